"""Cases know their authors and clocks; sources, customers, tasks and an outbox stand beside them.

Every author becomes a record of their platform, which is the channel of their case's queue. Where
an author had several open cases on one platform, the later ones are merged into the first: from now
on messages of one author join one case. A case that waits for its first reply gets the clock that
runs on it.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from wfm.store.tables import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _new_tables()
    _new_columns()
    _know_authors()
    _merge_open_cases()
    _start_clocks()
    _new_indexes()


def _new_tables() -> None:
    op.create_table(
        "customers",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("crm_id", sa.String(length=200), nullable=True),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["customers.customer_id"], name=op.f("fk_customers_merged_into")
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customers")),
        sa.UniqueConstraint("crm_id", name=op.f("uq_customers_crm_id")),
    )
    op.create_index(op.f("ix_customers_email"), "customers", ["email"], unique=False)
    op.create_index(op.f("ix_customers_phone"), "customers", ["phone"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.String(length=200), nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ended_at", Instant, nullable=True),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("source", "key", name=op.f("uq_deliveries_source_key")),
    )
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["state", "delivery_id"],
        unique=False,
        sqlite_where=sa.text("state <> 'done'"),
        postgresql_where=sa.text("state <> 'done'"),
    )
    op.create_table(
        "metric_changes",
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_metric_changes")),
    )
    op.create_table(
        "metric_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("queue", sa.String(length=80), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("day", "queue", "account", name=op.f("pk_metric_days")),
    )
    op.create_table(
        "presence",
        sa.Column("agent_id", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("heartbeat_at", Instant, nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_presence")),
    )
    op.create_table(
        "presence_spans",
        sa.Column("agent_id", sa.String(length=80), nullable=False),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("ended_at", Instant, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", "started_at", name=op.f("pk_presence_spans")),
    )
    op.create_index(
        op.f("ix_presence_spans_ended_at"), "presence_spans", ["ended_at"], unique=False
    )
    op.create_table(
        "queue_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("queue", sa.String(length=80), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_events")),
    )
    op.create_index(op.f("ix_queue_events_kind_at"), "queue_events", ["kind", "at"], unique=False)
    op.create_table(
        "sources",
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("secret", sa.String(length=200), nullable=False),
        sa.Column("callback_url", sa.String(length=500), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("disabled_at", Instant, nullable=True),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_sources")),
    )
    op.create_table(
        "authors",
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(length=20), nullable=False),
        sa.Column("native_id", sa.String(length=200), nullable=False),
        sa.Column("handle", sa.String(length=200), nullable=False),
        sa.Column("reach", sa.Integer(), nullable=True),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("first_seen_at", Instant, nullable=False),
        sa.Column("deleted_at", Instant, nullable=True),
        sa.Column("erased_at", Instant, nullable=True),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.customer_id"], name=op.f("fk_authors_customer_id")
        ),
        sa.PrimaryKeyConstraint("author_id", name=op.f("pk_authors")),
        sa.UniqueConstraint("platform", "native_id", name=op.f("uq_authors_platform_native_id")),
    )
    op.create_index(op.f("ix_authors_customer_id"), "authors", ["customer_id"], unique=False)
    op.create_table(
        "clocks",
        sa.Column("clock_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=80), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("metric", sa.String(length=16), nullable=False),
        sa.Column("goal", sa.String(length=16), nullable=False),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("threshold_s", sa.Integer(), nullable=False),
        sa.Column("warn_s", sa.Integer(), nullable=True),
        sa.Column("elapsed_s", sa.Float(), nullable=False),
        sa.Column("running_since", Instant, nullable=True),
        sa.Column("due_at", Instant, nullable=True),
        sa.Column("warned_at", Instant, nullable=True),
        sa.Column("breached_at", Instant, nullable=True),
        sa.Column("stopped_at", Instant, nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("any_at", Instant, nullable=True),
        sa.Column("any_elapsed_s", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_clocks_case_id")),
        sa.PrimaryKeyConstraint("clock_id", name=op.f("pk_clocks")),
    )
    op.create_index(op.f("ix_clocks_case_id"), "clocks", ["case_id"], unique=False)
    op.create_index(
        op.f("ix_clocks_metric_started_at"), "clocks", ["metric", "started_at"], unique=False
    )
    op.create_index(
        "ix_clocks_running",
        "clocks",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("stopped_at IS NULL"),
        postgresql_where=sa.text("stopped_at IS NULL"),
    )
    op.create_table(
        "exceptions",
        sa.Column("exception_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Float(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_exceptions_case_id")),
        sa.PrimaryKeyConstraint("exception_id", name=op.f("pk_exceptions")),
    )
    op.create_index(op.f("ix_exceptions_case_id"), "exceptions", ["case_id"], unique=False)
    op.create_index(op.f("ix_exceptions_state"), "exceptions", ["state"], unique=False)
    op.create_table(
        "handlings",
        sa.Column("handling_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.String(length=80), nullable=False),
        sa.Column("queue", sa.String(length=80), nullable=False),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("ended_at", Instant, nullable=False),
        sa.Column("ended_by", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_handlings_case_id")),
        sa.PrimaryKeyConstraint("handling_id", name=op.f("pk_handlings")),
    )
    op.create_index(op.f("ix_handlings_case_id"), "handlings", ["case_id"], unique=False)
    op.create_index(op.f("ix_handlings_started_at"), "handlings", ["started_at"], unique=False)
    op.create_table(
        "merges",
        sa.Column("merge_id", sa.Integer(), nullable=False),
        sa.Column("kept_id", sa.Integer(), nullable=False),
        sa.Column("merged_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["kept_id"], ["customers.customer_id"], name=op.f("fk_merges_kept_id")
        ),
        sa.ForeignKeyConstraint(
            ["merged_id"], ["customers.customer_id"], name=op.f("fk_merges_merged_id")
        ),
        sa.PrimaryKeyConstraint("merge_id", name=op.f("pk_merges")),
        sa.UniqueConstraint("kept_id", "merged_id", name=op.f("uq_merges_kept_id_merged_id")),
    )
    op.create_table(
        "outbox",
        sa.Column("outbox_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", Instant, nullable=False),
        sa.Column("sent_at", Instant, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("native_id", sa.String(length=200), nullable=True),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_outbox_case_id")),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index(op.f("ix_outbox_case_id"), "outbox", ["case_id"], unique=False)
    op.create_index(
        "ix_outbox_dead",
        "outbox",
        ["outbox_id"],
        unique=False,
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("state = 'new'"),
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_index(
        op.f("ix_outbox_target_native_id"), "outbox", ["target", "native_id"], unique=False
    )
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("agent_id", sa.String(length=80), nullable=True),
        sa.Column("team", sa.String(length=80), nullable=True),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("told_at", Instant, nullable=True),
        sa.Column("ended_at", Instant, nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("opened_at", Instant, nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_tasks_case_id")),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_tasks")),
    )
    op.create_index(op.f("ix_tasks_case_id"), "tasks", ["case_id"], unique=False)
    op.create_index(
        "ix_tasks_open",
        "tasks",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "author_handles",
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=200), nullable=False),
        sa.Column("first_seen_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["authors.author_id"], name=op.f("fk_author_handles_author_id")
        ),
        sa.PrimaryKeyConstraint("author_id", "handle", name=op.f("pk_author_handles")),
    )
    op.create_index(op.f("ix_author_handles_handle"), "author_handles", ["handle"], unique=False)


def _new_columns() -> None:
    op.add_column("cases", sa.Column("author_id", sa.Integer(), nullable=True))
    op.add_column(
        "cases", sa.Column("source", sa.String(length=40), server_default="", nullable=False)
    )
    op.add_column(
        "cases", sa.Column("account", sa.String(length=200), server_default="", nullable=False)
    )
    op.add_column(
        "cases",
        sa.Column("complexity", sa.String(length=12), server_default="basic", nullable=False),
    )
    op.add_column(
        "cases", sa.Column("needs_level", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column("cases", sa.Column("flags", sa.JSON(), server_default="[]", nullable=False))
    op.add_column(
        "cases", sa.Column("escalation", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("cases", sa.Column("claimed_at", Instant, nullable=True))
    op.add_column("cases", sa.Column("first_any_at", Instant, nullable=True))
    op.add_column("cases", sa.Column("paused_until", Instant, nullable=True))
    op.add_column("cases", sa.Column("merged_into", sa.Integer(), nullable=True))
    op.add_column("contacts", sa.Column("edited_at", Instant, nullable=True))
    op.add_column("contacts", sa.Column("deleted_at", Instant, nullable=True))
    op.add_column(
        "queue_state", sa.Column("put_off_s", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column(
        "queue_state", sa.Column("policy", sa.JSON(), server_default="{}", nullable=False)
    )
    op.add_column(
        "raw_events",
        sa.Column("kind", sa.String(length=10), server_default="message", nullable=False),
    )
    op.add_column("raw_events", sa.Column("queue", sa.String(length=80), nullable=True))
    op.add_column("raw_events", sa.Column("author_id", sa.Integer(), nullable=True))
    op.add_column("raw_events", sa.Column("delivery_id", sa.Integer(), nullable=True))
    op.add_column("raw_events", sa.Column("reason", sa.String(length=200), nullable=True))


def _know_authors() -> None:
    """A record for every author, and their cases and events pointing at it."""
    connection = op.get_bind()
    stored = connection.execute(sa.text("SELECT document FROM brand")).scalar()
    document = json.loads(stored) if isinstance(stored, str) else stored or {}
    channels = {queue["name"]: queue["channel"] for queue in document.get("queues", [])}
    names = connection.execute(sa.text("SELECT DISTINCT queue FROM cases")).scalars().all()
    connection.execute(sa.text("CREATE TEMPORARY TABLE platform_of (queue TEXT, platform TEXT)"))
    for name in names:
        connection.execute(
            sa.text("INSERT INTO platform_of VALUES (:queue, :platform)"),
            {"queue": name, "platform": channels.get(name, "")},
        )
    connection.execute(
        sa.text(
            "INSERT INTO authors (platform, native_id, handle, verified, kind, first_seen_at,"
            " actor, written_at) SELECT p.platform, c.author, '', :no, '', min(c.opened_at),"
            " 'system:migration', min(c.opened_at) FROM cases c JOIN platform_of p"
            " ON p.queue = c.queue GROUP BY p.platform, c.author"
        ),
        {"no": False},
    )
    connection.execute(
        sa.text(
            "UPDATE cases SET author_id = (SELECT a.author_id FROM authors a JOIN platform_of p"
            " ON p.platform = a.platform WHERE p.queue = cases.queue"
            " AND a.native_id = cases.author)"
        )
    )
    connection.execute(sa.text("DROP TABLE platform_of"))
    for column in ("source", "account"):
        connection.execute(
            sa.text(
                f"UPDATE cases SET {column} = coalesce((SELECT r.{column} FROM contacts t JOIN"  # noqa: S608
                " raw_events r ON r.event_id = t.event_id WHERE t.case_id = cases.case_id"
                " ORDER BY t.contact_id LIMIT 1), '')"
            )
        )
    for column, value in (("queue", "c.queue"), ("author_id", "c.author_id")):
        connection.execute(
            sa.text(
                f"UPDATE raw_events SET {column} = (SELECT {value} FROM contacts t JOIN cases c"  # noqa: S608
                " ON c.case_id = t.case_id WHERE t.event_id = raw_events.event_id)"
            )
        )


def _merge_open_cases() -> None:
    """Of an author's open cases the first stays."""
    op.get_bind().execute(
        sa.text(
            "UPDATE cases SET state = 'closed', closed_at = written_at,"
            " closed_reason = 'merged into the first open case of its author',"
            " lease_token = NULL, lease_until = NULL, merged_into ="
            " (SELECT min(k.case_id) FROM cases k WHERE k.author_id = cases.author_id"
            " AND k.state <> 'closed') WHERE state <> 'closed' AND case_id >"
            " (SELECT min(k.case_id) FROM cases k WHERE k.author_id = cases.author_id"
            " AND k.state <> 'closed')"
        )
    )


def _start_clocks() -> None:
    """The clock of the first reply, for the cases that still wait for it."""
    connection = op.get_bind()
    cases, clocks = (
        sa.Table(name, sa.MetaData(), autoload_with=connection) for name in ("cases", "clocks")
    )
    c = cases.c
    waiting = sa.select(c.case_id, c.queue, c.account, c.due_goal, c.received_at, c.due_at).where(
        c.state.in_(("new", "assigned")), c.first_response_at.is_(None)
    )
    rows = [
        {
            "case_id": case_id,
            "queue": queue,
            "account": account,
            "metric": "first_response",
            "goal": goal,
            "started_at": received_at,
            "threshold_s": round((due_at - received_at).total_seconds()),
            "elapsed_s": 0.0,
            "running_since": received_at,
            "due_at": due_at,
        }
        for case_id, queue, account, goal, received_at, due_at in connection.execute(waiting)
    ]
    if rows:
        connection.execute(clocks.insert(), rows)


def _new_indexes() -> None:
    op.drop_index(
        op.f("ix_cases_held"), table_name="cases", sqlite_where=sa.text("state = 'assigned'")
    )
    op.create_index(
        "ix_cases_held",
        "cases",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'assigned'"),
        postgresql_where=sa.text("state = 'assigned'"),
    )
    op.drop_index(
        op.f("ix_cases_waiting"), table_name="cases", sqlite_where=sa.text("state = 'new'")
    )
    op.create_index(
        "ix_cases_waiting",
        "cases",
        ["queue", "due_at", sa.text("severity DESC"), "received_at", "case_id"],
        unique=False,
        sqlite_where=sa.text("state = 'new'"),
        postgresql_where=sa.text("state = 'new'"),
    )
    op.drop_index(
        op.f("uq_cases_open_author"), table_name="cases", sqlite_where=sa.text("state <> 'closed'")
    )
    op.create_index(
        "uq_cases_open_author",
        "cases",
        ["author_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'closed'"),
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.create_index(
        op.f("ix_cases_author_id_opened_at"), "cases", ["author_id", "opened_at"], unique=False
    )
    op.create_index(
        "ix_cases_holder",
        "cases",
        ["agent_id"],
        unique=False,
        sqlite_where=sa.text("state = 'assigned' AND agent_id IS NOT NULL"),
        postgresql_where=sa.text("state = 'assigned' AND agent_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_cases_opened_at"), "cases", ["opened_at"], unique=False)
    op.create_index(
        "ix_cases_answered",
        "cases",
        ["answered_at"],
        unique=False,
        sqlite_where=sa.text("state = 'answered'"),
        postgresql_where=sa.text("state = 'answered'"),
    )
    op.create_index(
        "ix_cases_merged",
        "cases",
        ["merged_into"],
        unique=False,
        sqlite_where=sa.text("merged_into IS NOT NULL"),
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.create_index(
        "ix_cases_paused",
        "cases",
        ["paused_until"],
        unique=False,
        sqlite_where=sa.text("state = 'paused'"),
        postgresql_where=sa.text("state = 'paused'"),
    )
    op.create_index(op.f("ix_raw_events_author_id"), "raw_events", ["author_id"], unique=False)
    op.create_index(
        "ix_raw_events_left_out",
        "raw_events",
        ["received_at"],
        unique=False,
        sqlite_where=sa.text("kind IN ('own', 'spam', 'repost')"),
        postgresql_where=sa.text("kind IN ('own', 'spam', 'repost')"),
    )
