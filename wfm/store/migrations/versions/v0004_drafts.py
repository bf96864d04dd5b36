"""Rosters are edited in drafts; time off and trades are asked for; calendars have links."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wfm.store.tables import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _made() -> tuple[sa.Column[str], sa.Column[object]]:
    return (
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("written_at", Instant, nullable=False),
    )


def upgrade() -> None:
    _drafts()
    _requests()
    _links()


def _drafts() -> None:
    op.create_table(
        "drafts",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("over_version", sa.Integer(), nullable=False),
        sa.Column("published_plan_id", sa.Integer(), nullable=True),
        *_made(),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plans.plan_id"], name=op.f("fk_drafts_plan_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["published_plan_id"],
            ["plans.plan_id"],
            name=op.f("fk_drafts_published_plan_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("draft_id", name=op.f("pk_drafts")),
    )
    op.create_index(op.f("ix_drafts_state"), "drafts", ["state"])
    op.create_index(op.f("ix_drafts_plan_id"), "drafts", ["plan_id"])
    op.create_table(
        "draft_edits",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.Column("passed_over", sa.Boolean(), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=True),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["draft_id"],
            ["drafts.draft_id"],
            name=op.f("fk_draft_edits_draft_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("draft_id", "seq", name=op.f("pk_draft_edits")),
        sa.UniqueConstraint("job_id", name=op.f("uq_draft_edits_job_id")),
    )


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("agent_id", sa.String(length=80), nullable=False),
        sa.Column("other", sa.String(length=80), nullable=True),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=True),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        *_made(),
        sa.ForeignKeyConstraint(
            ["draft_id"],
            ["drafts.draft_id"],
            name=op.f("fk_requests_draft_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_requests")),
    )
    op.create_index(op.f("ix_requests_state"), "requests", ["state"])
    op.create_index(op.f("ix_requests_agent_id"), "requests", ["agent_id"])


def _links() -> None:
    op.create_table(
        "calendar_links",
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.String(length=80), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("revoked_at", Instant, nullable=True),
        *_made(),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_calendar_links")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_calendar_links_secret_sha256")),
    )
    op.create_index(op.f("ix_calendar_links_agent_id"), "calendar_links", ["agent_id"])
