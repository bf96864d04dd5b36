"""Forecasts become versions of their own, with scores, adjustments and marks.

A plan's forecast moves from `plan_forecast` to `forecast_rows`: the plan owns a version of kind
"plan". What it was composed of was not kept, so all of its mean stands under the baseline.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from wfm.store.tables import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COPY = """
INSERT INTO forecast_rows (
    forecast_id, queue, start, mean, q025, q10, q50, q80, q90, q95, q975, aht_s, model,
    baseline, holiday, campaign, correction
)
SELECT
    forecast_id, queue, start, mean, q025, q10, q50, q80, q90, q95, q975, aht_s, model,
    mean, 0.0, 0.0, 0.0
FROM plan_forecast JOIN forecasts ON forecasts.plan_id = plan_forecast.plan_id
"""
PARTS_UNKNOWN = "made before the parts of a forecast were kept: all of its mean is baseline"
SCORE = ("wape", "bias", "mase", "pinball", "coverage80", "coverage95")


def upgrade() -> None:
    op.create_table(
        "adjustments",
        sa.Column("adjustment_id", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=80), nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", Instant, nullable=True),
        sa.Column("withdrawn_by", sa.String(length=120), nullable=True),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("adjustment_id", name=op.f("pk_adjustments")),
    )
    with op.batch_alter_table("adjustments", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_adjustments_queue_starts_at"), ["queue", "starts_at"], unique=False
        )

    op.create_table(
        "marks",
        sa.Column("mark_id", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=80), nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("contacts", sa.Float(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("mark_id", name=op.f("pk_marks")),
        sa.UniqueConstraint(
            "queue",
            "starts_at",
            "ends_at",
            "kind",
            name=op.f("uq_marks_queue_starts_at_ends_at_kind"),
        ),
    )
    op.create_table(
        "forecasts",
        sa.Column("forecast_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=True),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("accuracy", sa.JSON(), nullable=False),
        sa.Column("noise", sa.JSON(), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=True),
        sa.Column("scored_import", sa.Integer(), nullable=True),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plans.plan_id"], name=op.f("fk_forecasts_plan_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("forecast_id", name=op.f("pk_forecasts")),
        sa.UniqueConstraint("job_id", name=op.f("uq_forecasts_job_id")),
        sa.UniqueConstraint("plan_id", name=op.f("uq_forecasts_plan_id")),
    )
    with op.batch_alter_table("forecasts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_forecasts_made_at"), ["made_at"], unique=False)

    op.create_table(
        "forecast_rows",
        sa.Column("forecast_id", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=80), nullable=False),
        sa.Column("start", Instant, nullable=False),
        sa.Column("mean", sa.Float(), nullable=False),
        sa.Column("q025", sa.Float(), nullable=False),
        sa.Column("q10", sa.Float(), nullable=False),
        sa.Column("q50", sa.Float(), nullable=False),
        sa.Column("q80", sa.Float(), nullable=False),
        sa.Column("q90", sa.Float(), nullable=False),
        sa.Column("q95", sa.Float(), nullable=False),
        sa.Column("q975", sa.Float(), nullable=False),
        sa.Column("aht_s", sa.Float(), nullable=False),
        sa.Column("model", sa.String(length=60), nullable=False),
        sa.Column("baseline", sa.Float(), nullable=False),
        sa.Column("holiday", sa.Float(), nullable=False),
        sa.Column("campaign", sa.Float(), nullable=False),
        sa.Column("correction", sa.Float(), nullable=False),
        sa.Column("naive", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["forecast_id"],
            ["forecasts.forecast_id"],
            name=op.f("fk_forecast_rows_forecast_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("forecast_id", "queue", "start", name=op.f("pk_forecast_rows")),
    )
    op.create_table(
        "forecast_scores",
        sa.Column("forecast_id", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=80), nullable=False),
        sa.Column("step", sa.String(length=8), nullable=False),
        sa.Column("lead", sa.Integer(), nullable=False),
        sa.Column("intervals", sa.Integer(), nullable=False),
        sa.Column("contacts", sa.Float(), nullable=False),
        sa.Column("wape", sa.Float(), nullable=True),
        sa.Column("bias", sa.Float(), nullable=True),
        sa.Column("mase", sa.Float(), nullable=True),
        sa.Column("pinball", sa.Float(), nullable=True),
        sa.Column("coverage80", sa.Float(), nullable=True),
        sa.Column("coverage95", sa.Float(), nullable=True),
        sa.Column("naive_wape", sa.Float(), nullable=True),
        sa.Column("naive_bias", sa.Float(), nullable=True),
        sa.Column("naive_mase", sa.Float(), nullable=True),
        sa.Column("scored_until", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["forecast_id"],
            ["forecasts.forecast_id"],
            name=op.f("fk_forecast_scores_forecast_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "forecast_id", "queue", "step", "lead", name=op.f("pk_forecast_scores")
        ),
    )
    move_plan_forecasts(op.get_bind())
    op.drop_table("plan_forecast")


def move_plan_forecasts(connection: sa.Connection) -> None:
    """Give every plan the version it owns, with all the rows it had."""
    plans = sa.table(
        "plans",
        *(sa.column(name, sa.Integer) for name in ("plan_id", "seed")),
        *(sa.column(name, Instant) for name in ("starts_at", "ends_at", "written_at")),
        *(sa.column(name, sa.JSON) for name in ("inputs", "summary")),
        sa.column("actor", sa.String),
    )
    forecasts = sa.table(
        "forecasts",
        *(sa.column(name, sa.Integer) for name in ("plan_id", "seed")),
        *(sa.column(name, Instant) for name in ("starts_at", "ends_at", "made_at")),
        *(sa.column(name, sa.JSON) for name in ("inputs", "summary", "accuracy", "noise")),
        *(sa.column(name, sa.String) for name in ("kind", "actor")),
    )
    held: dict[int, list[str]] = {}
    for plan_id, queue in connection.execute(
        sa.text("SELECT DISTINCT plan_id, queue FROM plan_forecast ORDER BY plan_id, queue")
    ):
        held.setdefault(plan_id, []).append(queue)
    for plan in connection.execute(sa.select(plans).order_by(plans.c.plan_id)).all():
        models = plan.inputs.get("models", {})
        connection.execute(
            forecasts.insert().values(
                kind="plan",
                starts_at=plan.starts_at,
                ends_at=plan.ends_at,
                seed=plan.seed,
                plan_id=plan.plan_id,
                inputs={
                    "queues": held.get(plan.plan_id, []),
                    "models": models,
                    "adjustments": [],
                    "scale": {},
                },
                summary={"notes": [PARTS_UNKNOWN]},
                accuracy=[line_of(line) for line in plan.summary.get("accuracy", [])],
                noise=plan.inputs.get("noise", {}),
                made_at=plan.written_at,
                actor=plan.actor,
            )
        )
    connection.execute(sa.text(COPY))


def line_of(old: dict[str, Any]) -> dict[str, Any]:
    """A line of a plan's back-test as lines are kept now; what was not kept is empty."""
    empty = dict.fromkeys(SCORE)
    return {
        **empty,
        **{name: old[name] for name in SCORE if name in old},
        "queue": old["queue"],
        "model": old["model"],
        "step": "15min",
        "origins": old["origins"],
        "horizon_days": 7,
        "naive": {**empty, "wape": old.get("naive_wape")},
        "champion": old["champion"],
        "seconds": old.get("seconds", 0.0),
    }
