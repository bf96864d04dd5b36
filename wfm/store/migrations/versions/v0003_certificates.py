"""A requirement keeps its reasons.

What a plan of before asked for, and why, is known only by what bound it: the need that bound is
filled in, the others are 0. What one agent more or fewer would attain was not kept.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

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


def upgrade() -> None:
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
