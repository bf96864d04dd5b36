"""What-if scenarios are kept; recorded cases may tell how long they were worked on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wfm.store.tables import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scenarios",
        sa.Column("scenario_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=True),
        sa.Column("campaign", sa.String(length=200), nullable=True),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plans.plan_id"], name=op.f("fk_scenarios_plan_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["draft_id"],
            ["drafts.draft_id"],
            name=op.f("fk_scenarios_draft_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("scenario_id", name=op.f("pk_scenarios")),
    )
    op.create_index(op.f("ix_scenarios_state"), "scenarios", ["state"])
    op.create_index(op.f("ix_scenarios_plan_id"), "scenarios", ["plan_id"])
    op.add_column("case_results", sa.Column("handling_s", sa.Float(), nullable=True))
