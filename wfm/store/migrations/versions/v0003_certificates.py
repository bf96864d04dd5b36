"""Certificates are kept beside their plans and scored; a requirement keeps its reasons.

The certificate that a plan was made with moves from the plan's row to `certificates`, as the first
of its plan.

What a plan of before asked for, and why, is known only by what bound it: the need that bound is
filled in, the others are 0. What one agent more or fewer would attain was not kept.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wfm.store.tables import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NEW = (
    "first_workload",
    "factor",
    "need_first",
    "need_follow",
    "need_occupancy",
    "need_minimum",
)

# What of a certificate's document stands in a list.
SUMMARY = ("start", "end", "messages", "goals")


def upgrade() -> None:
    _requirement()
    _certificates()
    _results()


def _certificates() -> None:
    made = op.create_table(
        "certificates",
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("replications", sa.Integer(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=True),
        sa.Column("scored_import", sa.Integer(), nullable=True),
        sa.Column("scored_at", Instant, nullable=True),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["plans.plan_id"],
            name=op.f("fk_certificates_plan_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("certificate_id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("job_id", name=op.f("uq_certificates_job_id")),
    )
    op.create_index(op.f("ix_certificates_plan_id"), "certificates", ["plan_id"])
    plans = sa.table(
        "plans",
        sa.column("plan_id", sa.Integer()),
        sa.column("seed", sa.Integer()),
        sa.column("certificate", sa.JSON()),
        sa.column("actor", sa.String()),
        sa.column("written_at", Instant),
    )
    connection = op.get_bind()
    # One at a time: each holds a plan's every interval.
    for plan_id in connection.scalars(sa.select(plans.c.plan_id).order_by(plans.c.plan_id)).all():
        row = connection.execute(sa.select(plans).where(plans.c.plan_id == plan_id)).one()
        document = row.certificate
        connection.execute(
            made.insert().values(
                plan_id=plan_id,
                seed=document.get("seed", row.seed),
                replications=document.get("replications", 0),
                summary={name: document[name] for name in SUMMARY if name in document},
                document=document,
                made_at=row.written_at,
                actor=row.actor,
            )
        )
    # Not by a copy of the table: dropping the old one would take with it what hangs on its rows.
    op.drop_column("plans", "certificate")


def _results() -> None:
    op.create_table(
        "certificate_scores",
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("start", Instant, nullable=False),
        sa.Column("queue", sa.String(length=80), nullable=False),
        sa.Column("metric", sa.String(length=20), nullable=False),
        sa.Column("goal", sa.String(length=10), nullable=False),
        sa.Column("threshold_s", sa.Integer(), nullable=False),
        sa.Column("share", sa.Float(), nullable=True),
        *(
            sa.Column(name, sa.Float(), nullable=False)
            for name in ("expected", "promised", "p10", "p90")
        ),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("on_time", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.certificate_id"],
            name=op.f("fk_certificate_scores_certificate_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "certificate_id",
            "scope",
            "start",
            "queue",
            "metric",
            "goal",
            "threshold_s",
            name=op.f("pk_certificate_scores"),
        ),
    )
    op.create_index(
        op.f("ix_certificate_scores_scope_start"), "certificate_scores", ["scope", "start"]
    )
    op.create_table(
        "case_results",
        sa.Column("case_key", sa.String(length=200), nullable=False),
        sa.Column("queue", sa.String(length=80), nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("first_response_at", Instant, nullable=True),
        sa.Column("resolved_at", Instant, nullable=True),
        sa.Column("paused_s", sa.Float(), nullable=True),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.import_id"], name=op.f("fk_case_results_import_id")
        ),
        sa.PrimaryKeyConstraint("case_key", name=op.f("pk_case_results")),
    )
    op.create_index(
        op.f("ix_case_results_queue_received_at"), "case_results", ["queue", "received_at"]
    )
    op.create_index(
        op.f("ix_case_results_received_at_import_id"), "case_results", ["received_at", "import_id"]
    )


def _requirement() -> None:
    with op.batch_alter_table("plan_requirement") as batch_op:
        for name in NEW:
            batch_op.add_column(sa.Column(name, sa.Float(), nullable=True))
        for name in ("attainment_less", "attainment_more"):
            batch_op.add_column(sa.Column(name, sa.Float(), nullable=True))
    op.execute(
        "UPDATE plan_requirement SET first_workload = workload, factor = 1.0, "
        "need_first = CASE WHEN binding = 'queue' THEN agents_exact ELSE 0.0 END, "
        "need_follow = 0.0, "
        "need_occupancy = CASE WHEN binding = 'occupancy' THEN agents_exact ELSE 0.0 END, "
        "need_minimum = CASE WHEN binding = 'minimum' THEN agents_exact ELSE 0.0 END, "
        "binding = CASE WHEN binding = 'queue' THEN 'first' ELSE binding END"
    )
    with op.batch_alter_table("plan_requirement") as batch_op:
        for name in NEW:
            batch_op.alter_column(name, existing_type=sa.Float(), nullable=False)
