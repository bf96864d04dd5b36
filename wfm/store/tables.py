"""Every table of the store. Migrations build them; nothing else may.

Instants are kept as UTC (`Instant`), local days as dates, durations as whole seconds. Tables that
people change carry the `actor` of the last write; `audit` keeps who did what.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


@lru_cache(maxsize=4096)
def _sqlite_text(value: datetime | None) -> str | None:
    """An instant as SQLAlchemy writes it to SQLite."""
    if value is None:
        return None
    return _utc(value).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _from_sqlite_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"{value} has no zone; the store takes UTC instants")
    return value.astimezone(UTC)


class Instant(TypeDecorator[datetime]):
    """A UTC instant: TIMESTAMP WITH TIME ZONE on PostgreSQL, UTC text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:
        # A batch writes the same few instants thousands of times.
        return _sqlite_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        if dialect.name == "sqlite":
            return _from_sqlite_text
        return super().result_processor(dialect, coltype)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _made() -> tuple[Column[str], Column[datetime]]:
    """Who wrote the row, and when."""
    return (
        Column("actor", String(120), nullable=False),
        Column("written_at", Instant, nullable=False),
    )


# -- the brand, its people and its history -------------------------------------------------------

brand = Table(
    "brand",
    metadata,
    # One brand a store: the single row has id 1.
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("document", JSON, nullable=False),
    *_made(),
    CheckConstraint("id = 1", name="single"),
)

clock = Table(
    "clock",
    metadata,
    # The demo's clock: what it showed at which machine time. Absent in a store of real data.
    Column("id", Integer, primary_key=True),
    Column("shows", Instant, nullable=False),
    Column("since", Instant, nullable=False),
    Column("rate", Float, nullable=False),
    *_made(),
    CheckConstraint("id = 1", name="single"),
)

imports = Table(
    "imports",
    metadata,
    Column("import_id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("options", JSON, nullable=False),
    Column("rows_read", Integer, nullable=False),
    Column("rows_written", Integer, nullable=False),
    Column("rows_skipped", Integer, nullable=False),
    *_made(),
)

volumes = Table(
    "volumes",
    metadata,
    Column("queue", String(80), primary_key=True),
    Column("start", Instant, primary_key=True),
    # "volumes" for imported interval counts, "contacts" for counts made from single contacts,
    # "queue" for those of our own queue's cases.
    Column("source", String(20), primary_key=True),
    Column("contacts", Integer, nullable=False),
    Column("aht_s", Float),
    # Whether the count was spread from a coarser step.
    Column("spread", Boolean, nullable=False),
    Column("import_id", Integer, ForeignKey("imports.import_id")),
    CheckConstraint("contacts >= 0", name="contacts"),
    Index(None, "start"),
)

history_contacts = Table(
    "history_contacts",
    metadata,
    Column("contact_id", String(200), primary_key=True),
    Column("queue", String(80), nullable=False),
    Column("arrived_at", Instant, nullable=False),
    Column("author", String(200), nullable=False),
    Column("handling_s", Float),
    Column("import_id", Integer, ForeignKey("imports.import_id")),
    Index(None, "queue", "arrived_at"),
)

agents = Table(
    "agents",
    metadata,
    Column("agent_id", String(80), primary_key=True),
    Column("name", String(200), nullable=False),
    # The Agent of wfm.people as JSON: terms, skills, availability, time off, preferences.
    Column("document", JSON, nullable=False),
    *_made(),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("starts_at", Instant, nullable=False),
    Column("document", JSON, nullable=False),
    *_made(),
)

# -- plans: immutable once written ---------------------------------------------------------------

plans = Table(
    "plans",
    metadata,
    Column("plan_id", Integer, primary_key=True),
    # draft, published, superseded
    Column("state", String(12), nullable=False),
    # 1, 2, 3 ... in the order of publishing; empty while a draft
    Column("version", Integer, unique=True),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("seed", Integer, nullable=False),
    # What it was computed from and how: ids, options, model per queue, policy version.
    Column("inputs", JSON, nullable=False),
    # Figures: objective, bound, gap, seconds, paid hours, shortfall, violations, stage costs.
    Column("summary", JSON, nullable=False),
    Column("published_at", Instant),
    Column("published_by", String(120)),
    # The job that made it: run again after a crash, it finds its plan and makes no second one.
    Column("job_id", String(40), unique=True),
    *_made(),
    Index(None, "state"),
)


def _plan_id() -> Column[int]:
    return Column(
        "plan_id", Integer, ForeignKey("plans.plan_id", ondelete="CASCADE"), primary_key=True
    )


plan_requirement = Table(
    "plan_requirement",
    metadata,
    _plan_id(),
    Column("queue", String(80), primary_key=True),
    Column("start", Instant, primary_key=True),
    *(
        Column(name, Float, nullable=False)
        for name in (
            "workload",
            "first_workload",
            "factor",
            "need_first",
            "need_follow",
            "need_occupancy",
            "need_minimum",
        )
    ),
    Column("agents", Integer, nullable=False),
    Column("agents_exact", Float, nullable=False),
    *(
        Column(name, Float)
        for name in (
            "attainment",
            "attainment_low",
            "attainment_high",
            "attainment_less",
            "attainment_more",
        )
    ),
    Column("binding", String(12), nullable=False),
)

plan_roster = Table(
    "plan_roster",
    metadata,
    _plan_id(),
    Column("agent_id", String(80), primary_key=True),
    Column("start", Instant, primary_key=True),
    Column("end", Instant, nullable=False),
    Column("activity", String(40), nullable=False),
    Column("queue", String(80), nullable=False),
    Column("template", String(80), nullable=False),
    Column("pinned", Boolean, nullable=False),
)

plan_staffing = Table(
    "plan_staffing",
    metadata,
    _plan_id(),
    Column("queue", String(80), primary_key=True),
    Column("start", Instant, primary_key=True),
    *(
        Column(name, Float, nullable=False)
        for name in ("scheduled", "effective", "slots", "required")
    ),
    Index(None, "plan_id", "start"),
)

plan_on_shift = Table(
    "plan_on_shift",
    metadata,
    _plan_id(),
    Column("agent_id", String(80), primary_key=True),
    Column("start", Instant, primary_key=True),
    Column("end", Instant, nullable=False),
    # Queue names, sorted, joined by a space.
    Column("queues", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Index(None, "plan_id", "start"),
)

# -- certificates of plans, and what came of the cases they promised -------------------------------

certificates = Table(
    "certificates",
    metadata,
    # The first of a plan is the one it was made and published with.
    Column("certificate_id", Integer, primary_key=True),
    Column("plan_id", Integer, ForeignKey("plans.plan_id", ondelete="CASCADE"), nullable=False),
    # Seeds of streams are larger than those people give.
    Column("seed", BigInteger, nullable=False),
    Column("replications", Integer, nullable=False),
    # The document without what is told by interval, hour and day.
    Column("summary", JSON, nullable=False),
    Column("document", JSON, nullable=False),
    # The job that made it: run again after a crash, it finds its certificate.
    Column("job_id", String(40), unique=True),
    # The newest import of recorded cases that its scores know, and when they were reckoned.
    Column("scored_import", Integer),
    Column("scored_at", Instant),
    Column("made_at", Instant, nullable=False),
    Column("actor", String(120), nullable=False),
    Index(None, "plan_id"),
)

certificate_scores = Table(
    "certificate_scores",
    metadata,
    Column(
        "certificate_id",
        Integer,
        ForeignKey("certificates.certificate_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    # hour, day
    Column("scope", String(8), primary_key=True),
    Column("start", Instant, primary_key=True),
    # Empty: the first responses of all queues, each by its own promise.
    Column("queue", String(80), primary_key=True),
    Column("metric", String(20), primary_key=True),
    # goal, opening
    Column("goal", String(10), primary_key=True),
    # 0 where the queues of a line promise different ones.
    Column("threshold_s", Integer, primary_key=True),
    Column("share", Float),
    # Certified: cases a day, attainment and its band.
    Column("expected", Float, nullable=False),
    *(Column(name, Float, nullable=False) for name in ("promised", "p10", "p90")),
    # What came: cases that are judged, and those of them in time.
    Column("cases", Integer, nullable=False),
    Column("on_time", Integer, nullable=False),
    Index(None, "scope", "start"),
)

case_results = Table(
    "case_results",
    metadata,
    # The other system's id; for a case without one, a blank, its queue, arrival and number.
    Column("case_key", String(200), primary_key=True),
    Column("queue", String(80), nullable=False),
    Column("received_at", Instant, nullable=False),
    # The first human reply, sent.
    Column("first_response_at", Instant),
    Column("resolved_at", Instant),
    # Open seconds in which the case waited for its customer.
    Column("paused_s", Float),
    Column("import_id", Integer, ForeignKey("imports.import_id")),
    # Active seconds until the first reply was sent.
    Column("handling_s", Float),
    Index(None, "queue", "received_at"),
    # Whether a plan's days have been heard of since they were scored.
    Index(None, "received_at", "import_id"),
)

# -- drafts: a plan's roster and its edits, until they are published -------------------------------

drafts = Table(
    "drafts",
    metadata,
    Column("draft_id", Integer, primary_key=True),
    # The plan whose roster the edits change.
    Column("plan_id", Integer, ForeignKey("plans.plan_id", ondelete="CASCADE"), nullable=False),
    Column("name", String(200), nullable=False),
    # open, published, discarded
    Column("state", String(12), nullable=False),
    # Goes up with every change, also with an undo: who writes names the one they have seen.
    Column("revision", Integer, nullable=False),
    # The newest version there was when the draft was opened: a later one may make it stale.
    Column("over_version", Integer, nullable=False),
    Column("published_plan_id", Integer, ForeignKey("plans.plan_id", ondelete="SET NULL")),
    *_made(),
    Index(None, "state"),
    Index(None, "plan_id"),
)

draft_edits = Table(
    "draft_edits",
    metadata,
    Column(
        "draft_id",
        Integer,
        ForeignKey("drafts.draft_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    # 1, 2, 3 ... in the order they were made; the roster is the plan's with those not undone.
    Column("seq", Integer, primary_key=True),
    # assign, drop, move ... ; resolve, repair, time_off, trade
    Column("kind", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    # {"edit": what was asked for, "changes": agent-days before and after}
    Column("document", JSON, nullable=False),
    Column("undone", Boolean, nullable=False),
    # Undone, and another edit was made since: it can no longer be redone.
    Column("passed_over", Boolean, nullable=False),
    # The job that made it: run again after a crash, it finds its edit and makes no second one.
    Column("job_id", String(40), unique=True),
    Column("actor", String(120), nullable=False),
    Column("at", Instant, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("request_id", Integer, primary_key=True),
    # time_off, trade
    Column("kind", String(10), nullable=False),
    Column("agent_id", String(80), nullable=False),
    # Of a trade: whom with. `first` is then the agent's day and `last` the other's.
    Column("other", String(80)),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
    # asked, granted, declined, withdrawn
    Column("state", String(10), nullable=False),
    # Of who asked, and of who decided.
    Column("reason", Text, nullable=False),
    Column("answer", Text, nullable=False),
    # The draft that the grant has changed, where it changed one.
    Column("draft_id", Integer, ForeignKey("drafts.draft_id", ondelete="SET NULL")),
    Column("asked_by", String(120), nullable=False),
    Column("asked_at", Instant, nullable=False),
    *_made(),
    Index(None, "state"),
    Index(None, "agent_id"),
)

calendar_links = Table(
    "calendar_links",
    metadata,
    Column("link_id", Integer, primary_key=True),
    # Whose shifts the link shows.
    Column("agent_id", String(80), nullable=False),
    # SHA-256 of a secret of 256 random bits, as of keys.
    Column("secret_sha256", LargeBinary(32), nullable=False, unique=True),
    Column("revoked_at", Instant),
    *_made(),
    Index(None, "agent_id"),
)

# -- what if: scenarios that people keep -----------------------------------------------------------

scenarios = Table(
    "scenarios",
    metadata,
    Column("scenario_id", Integer, primary_key=True),
    # The plan whose roster it is about.
    Column("plan_id", Integer, ForeignKey("plans.plan_id", ondelete="CASCADE"), nullable=False),
    Column("name", String(200), nullable=False),
    # open, promoted, archived
    Column("state", String(12), nullable=False),
    # Goes up with every change: who writes names the one they have seen.
    Column("revision", Integer, nullable=False),
    Column("document", JSON, nullable=False),
    # What it was promoted to: a draft, or a campaign by its name.
    Column("draft_id", Integer, ForeignKey("drafts.draft_id", ondelete="SET NULL")),
    Column("campaign", String(200)),
    *_made(),
    Index(None, "state"),
    Index(None, "plan_id"),
)

# -- forecasts: versions, immutable once written, and what people say about them ------------------

forecasts = Table(
    "forecasts",
    metadata,
    Column("forecast_id", Integer, primary_key=True),
    # plan, standing, intraday
    Column("kind", String(12), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("seed", Integer, nullable=False),
    # The plan that it was made for: a plan owns one.
    Column("plan_id", Integer, ForeignKey("plans.plan_id", ondelete="CASCADE"), unique=True),
    # What it was made from: queues, model per queue, history, adjustments in its rows.
    Column("inputs", JSON, nullable=False),
    # Figures and notes.
    Column("summary", JSON, nullable=False),
    # Lines of its back-test.
    Column("accuracy", JSON, nullable=False),
    # What scenario paths need beside the rows.
    Column("noise", JSON, nullable=False),
    # The job that made it: run again after a crash, it finds its version and makes no second one.
    Column("job_id", String(40), unique=True),
    # The newest import of counts that its scores know: a later one may bring or change what came.
    Column("scored_import", Integer),
    Column("made_at", Instant, nullable=False),
    Column("actor", String(120), nullable=False),
    Index(None, "made_at"),
)


def _forecast_id() -> Column[int]:
    return Column(
        "forecast_id",
        Integer,
        ForeignKey("forecasts.forecast_id", ondelete="CASCADE"),
        primary_key=True,
    )


forecast_rows = Table(
    "forecast_rows",
    metadata,
    _forecast_id(),
    Column("queue", String(80), primary_key=True),
    Column("start", Instant, primary_key=True),
    *(
        Column(name, Float, nullable=False)
        for name in ("mean", "q025", "q10", "q50", "q80", "q90", "q95", "q975", "aht_s")
    ),
    Column("model", String(60), nullable=False),
    *(
        Column(name, Float, nullable=False)
        for name in ("baseline", "holiday", "campaign", "correction")
    ),
    # The weekly naive as it was known when the forecast was made; what it is measured against.
    Column("naive", Float),
)

forecast_scores = Table(
    "forecast_scores",
    metadata,
    _forecast_id(),
    Column("queue", String(80), primary_key=True),
    # 15min, hour, day
    Column("step", String(8), primary_key=True),
    # First lead of the group, in days: 1, 2 (to 7), 8 (and more).
    Column("lead", Integer, primary_key=True),
    # How many intervals of the step were scored, and what came in them.
    Column("intervals", Integer, nullable=False),
    Column("contacts", Float, nullable=False),
    *(
        Column(name, Float)
        for name in ("wape", "bias", "mase", "pinball", "coverage80", "coverage95")
    ),
    # The weekly naive is one number and no band: it has no pinball and no coverage.
    *(Column(name, Float) for name in ("naive_wape", "naive_bias", "naive_mase")),
    Column("scored_until", Instant, nullable=False),
)

adjustments = Table(
    "adjustments",
    metadata,
    Column("adjustment_id", Integer, primary_key=True),
    Column("queue", String(80), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    # set, percent, range
    Column("kind", String(10), nullable=False),
    Column("value", Float),
    Column("low", Float),
    Column("high", Float),
    Column("reason", Text, nullable=False),
    # Withdrawn, never deleted.
    Column("withdrawn_at", Instant),
    Column("withdrawn_by", String(120)),
    *_made(),
    Index(None, "queue", "starts_at"),
)

marks = Table(
    "marks",
    metadata,
    Column("mark_id", Integer, primary_key=True),
    Column("queue", String(80), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    # outage, outlier
    Column("kind", String(10), nullable=False),
    # proposed, accepted, rejected
    Column("state", String(10), nullable=False),
    Column("contacts", Float, nullable=False),
    Column("expected", Float, nullable=False),
    Column("reason", Text, nullable=False),
    *_made(),
    UniqueConstraint("queue", "starts_at", "ends_at", "kind"),
)

# -- who writes to us, and the accounts that bring it ----------------------------------------------

customers = Table(
    "customers",
    metadata,
    Column("customer_id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("email", String(254)),
    Column("phone", String(40)),
    # The customer's id in the CRM.
    Column("crm_id", String(200), unique=True),
    # Into whom this record was merged; its authors are that customer's while it is.
    Column("merged_into", Integer, ForeignKey("customers.customer_id")),
    *_made(),
    Index(None, "email"),
    Index(None, "phone"),
)

authors = Table(
    "authors",
    metadata,
    Column("author_id", Integer, primary_key=True),
    # A channel; with the platform's own id, which outlives every rename.
    Column("platform", String(20), nullable=False),
    Column("native_id", String(200), nullable=False),
    Column("handle", String(200), nullable=False),
    Column("reach", Integer),
    Column("verified", Boolean, nullable=False),
    # "", influencer, regulator, press, own, blocked
    Column("kind", String(12), nullable=False),
    Column("customer_id", Integer, ForeignKey("customers.customer_id")),
    Column("first_seen_at", Instant, nullable=False),
    # The account is gone at its platform; what it wrote was erased here.
    Column("deleted_at", Instant),
    Column("erased_at", Instant),
    *_made(),
    UniqueConstraint("platform", "native_id"),
    Index(None, "customer_id"),
)

author_handles = Table(
    "author_handles",
    metadata,
    # Every name an author has borne.
    Column("author_id", Integer, ForeignKey("authors.author_id"), primary_key=True),
    Column("handle", String(200), primary_key=True),
    Column("first_seen_at", Instant, nullable=False),
    Index(None, "handle"),
)

merges = Table(
    "merges",
    metadata,
    Column("merge_id", Integer, primary_key=True),
    Column("kept_id", Integer, ForeignKey("customers.customer_id"), nullable=False),
    Column("merged_id", Integer, ForeignKey("customers.customer_id"), nullable=False),
    # proposed, confirmed, rejected, undone
    Column("state", String(10), nullable=False),
    Column("evidence", Text, nullable=False),
    # Authors that the confirmation moved, so that undoing moves just these back.
    Column("moved", JSON, nullable=False),
    *_made(),
    UniqueConstraint("kept_id", "merged_id"),
)

sources = Table(
    "sources",
    metadata,
    Column("source", String(40), primary_key=True),
    # Name of the connector that reads it.
    Column("kind", String(20), nullable=False),
    # Signs what comes and what goes; needed in the clear for that, and shown only once.
    Column("secret", String(200), nullable=False),
    # Where replies and events are delivered; empty: nowhere.
    Column("callback_url", String(500), nullable=False),
    # Names of the events that the callback wants.
    Column("events", JSON, nullable=False),
    Column("disabled_at", Instant),
    *_made(),
)

# -- the live queue ------------------------------------------------------------------------------

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", Integer, primary_key=True),
    Column("source", String(40), nullable=False),
    # The sender's own id of it.
    Column("key", String(200), nullable=False),
    # The bytes as they came, before anything was parsed.
    Column("body", LargeBinary, nullable=False),
    Column("signature", String(200), nullable=False),
    Column("received_at", Instant, nullable=False),
    # new, done, quarantined
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    # Why it is in quarantine.
    Column("reason", Text),
    Column("ended_at", Instant),
    Column("actor", String(120), nullable=False),
    UniqueConstraint("source", "key"),
    Index(
        "ix_deliveries_open",
        "state",
        "delivery_id",
        sqlite_where=text("state <> 'done'"),
        postgresql_where=text("state <> 'done'"),
    ),
)

raw_events = Table(
    "raw_events",
    metadata,
    Column("event_id", Integer, primary_key=True),
    Column("source", String(40), nullable=False),
    Column("account", String(200), nullable=False),
    Column("native_id", String(200), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    Column("actor", String(120), nullable=False),
    # message, edit, deletion; of what opens no case: own, spam, repost
    Column("kind", String(10), nullable=False, server_default="message"),
    Column("queue", String(80)),
    # These and those of `cases` are no foreign keys: SQLite would write the whole table anew to
    # add one.
    Column("author_id", Integer),
    Column("delivery_id", Integer),
    # Why it opened no case.
    Column("reason", String(200)),
    UniqueConstraint("source", "account", "native_id", "revision"),
    # What was left out, counted apart from the volume.
    Index(
        "ix_raw_events_left_out",
        "received_at",
        sqlite_where=text("kind IN ('own', 'spam', 'repost')"),
        postgresql_where=text("kind IN ('own', 'spam', 'repost')"),
    ),
    Index(None, "author_id"),
)

cases = Table(
    "cases",
    metadata,
    Column("case_id", Integer, primary_key=True),
    Column("queue", String(80), nullable=False),
    Column("author", String(200), nullable=False),
    Column("state", String(12), nullable=False),
    Column("severity", Integer, nullable=False),
    # Start of the clock that runs: the message that needs an answer.
    Column("received_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("due_goal", String(20), nullable=False),
    Column("contacts", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("agent_id", String(80)),
    Column("lease_token", String(64)),
    Column("lease_until", Instant),
    Column("first_response_at", Instant),
    Column("answered_at", Instant),
    Column("closed_at", Instant),
    Column("closed_reason", String(200)),
    *_made(),
    Column("author_id", Integer),
    # Where replies go: the source and the account it came in by.
    Column("source", String(40), nullable=False, server_default=""),
    Column("account", String(200), nullable=False, server_default=""),
    # basic, complaint
    Column("complexity", String(12), nullable=False, server_default="basic"),
    # The skill level in its queue that an agent must have to take it.
    Column("needs_level", Integer, nullable=False, server_default="1"),
    # Why it is handled with care, e.g. ["regulator", "sensitive"].
    Column("flags", JSON, nullable=False, server_default="[]"),
    # How many rungs of the escalation ladder it has climbed since it waits.
    Column("escalation", Integer, nullable=False, server_default="0"),
    # Since when its agent holds it.
    Column("claimed_at", Instant),
    # The first reply of any kind, automatic ones included.
    Column("first_any_at", Instant),
    # A paused case waits again then, if its customer has not written before.
    Column("paused_until", Instant),
    # The case that it was merged into.
    Column("merged_into", Integer),
    # The claim and the overview read the waiting cases of a queue from this index, in the order.
    Index(
        "ix_cases_waiting",
        "queue",
        "due_at",
        text("severity DESC"),
        "received_at",
        "case_id",
        sqlite_where=text("state = 'new'"),
        postgresql_where=text("state = 'new'"),
    ),
    # Which leases run, which have run out.
    Index(
        "ix_cases_held",
        "lease_until",
        sqlite_where=text("state = 'assigned'"),
        postgresql_where=text("state = 'assigned'"),
    ),
    # Who holds what; its condition keeps a planner from reading all of it for leases.
    Index(
        "ix_cases_holder",
        "agent_id",
        sqlite_where=text("state = 'assigned' AND agent_id IS NOT NULL"),
        postgresql_where=text("state = 'assigned' AND agent_id IS NOT NULL"),
    ),
    Index(
        "ix_cases_paused",
        "paused_until",
        sqlite_where=text("state = 'paused'"),
        postgresql_where=text("state = 'paused'"),
    ),
    # Whose customers have not written again.
    Index(
        "ix_cases_answered",
        "answered_at",
        sqlite_where=text("state = 'answered'"),
        postgresql_where=text("state = 'answered'"),
    ),
    Index(
        "ix_cases_merged",
        "merged_into",
        sqlite_where=text("merged_into IS NOT NULL"),
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
    # Pages of cases by deadline.
    Index(None, "due_at", "case_id"),
    Index(None, "opened_at"),
    Index(None, "author_id", "opened_at"),
    # One open case an author: their messages join it.
    Index(
        "uq_cases_open_author",
        "author_id",
        unique=True,
        sqlite_where=text("state <> 'closed'"),
        postgresql_where=text("state <> 'closed'"),
    ),
)

contacts = Table(
    "contacts",
    metadata,
    Column("contact_id", Integer, primary_key=True),
    Column("event_id", Integer, ForeignKey("raw_events.event_id"), nullable=False, unique=True),
    Column("case_id", Integer, ForeignKey("cases.case_id"), nullable=False),
    Column("author", String(200), nullable=False),
    # As last edited; what was written first stands in the raw events.
    Column("text", Text, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("edited_at", Instant),
    Column("deleted_at", Instant),
    Index(None, "case_id"),
)

case_events = Table(
    "case_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey("cases.case_id"), nullable=False),
    # As `wfm.store.cases.EventKind`.
    Column("kind", String(20), nullable=False),
    Column("at", Instant, nullable=False),
    Column("agent_id", String(80)),
    Column("text", Text),
    Column("actor", String(120), nullable=False),
    Index(None, "case_id"),
)

clocks = Table(
    "clocks",
    metadata,
    # Every promise that ran on a case: see `wfm.clocks.Clock`.
    Column("clock_id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey("cases.case_id"), nullable=False),
    Column("queue", String(80), nullable=False),
    Column("account", String(200), nullable=False),
    # first_response, next_reply, resolution
    Column("metric", String(16), nullable=False),
    # first_response, opening, follow_up, resolution
    Column("goal", String(16), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("threshold_s", Integer, nullable=False),
    Column("warn_s", Integer),
    Column("elapsed_s", Float, nullable=False),
    # Empty while it is paused, and once it has stopped.
    Column("running_since", Instant),
    Column("due_at", Instant),
    Column("warned_at", Instant),
    Column("breached_at", Instant),
    Column("stopped_at", Instant),
    # met, late, cancelled, merged
    Column("outcome", String(10)),
    # The first reply of any kind, and the open seconds until then.
    Column("any_at", Instant),
    Column("any_elapsed_s", Float),
    Index(None, "case_id"),
    # What runs: whose deadline passes next.
    Index(
        "ix_clocks_running",
        "due_at",
        sqlite_where=text("stopped_at IS NULL"),
        postgresql_where=text("stopped_at IS NULL"),
    ),
    Index(None, "metric", "started_at"),
)

handlings = Table(
    "handlings",
    metadata,
    # A stretch in which an agent held a case.
    Column("handling_id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey("cases.case_id"), nullable=False),
    Column("agent_id", String(80), nullable=False),
    Column("queue", String(80), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    # answered, released, expired, closed, paused, taken
    Column("ended_by", String(10), nullable=False),
    Index(None, "case_id"),
    Index(None, "started_at"),
)

presence = Table(
    "presence",
    metadata,
    Column("agent_id", String(80), primary_key=True),
    # available, away, off
    Column("state", String(10), nullable=False),
    Column("since", Instant, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),
    *_made(),
)

presence_spans = Table(
    "presence_spans",
    metadata,
    # What `presence` was before.
    Column("agent_id", String(80), primary_key=True),
    Column("started_at", Instant, primary_key=True),
    Column("ended_at", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Index(None, "ended_at"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("task_id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey("cases.case_id"), nullable=False),
    # follow_up, callback, email, team
    Column("kind", String(12), nullable=False),
    Column("title", String(200), nullable=False),
    # Who is to do it: an agent, or another function of the company.
    Column("agent_id", String(80)),
    Column("team", String(80)),
    Column("due_at", Instant, nullable=False),
    # open, done, cancelled
    Column("state", String(10), nullable=False),
    # When its being due was told.
    Column("told_at", Instant),
    Column("ended_at", Instant),
    Column("result", Text),
    Column("opened_at", Instant, nullable=False),
    *_made(),
    Index(None, "case_id"),
    Index(
        "ix_tasks_open",
        "due_at",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

exceptions = Table(
    "exceptions",
    metadata,
    # What a customer was granted beyond the rules.
    Column("exception_id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey("cases.case_id"), nullable=False),
    Column("amount", Float, nullable=False),
    Column("reason", String(200), nullable=False),
    # granted, asked, approved, refused
    Column("state", String(10), nullable=False),
    Column("asked_by", String(120), nullable=False),
    Column("asked_at", Instant, nullable=False),
    *_made(),
    Index(None, "case_id"),
    Index(None, "state"),
)

queue_state = Table(
    "queue_state",
    metadata,
    Column("queue", String(80), primary_key=True),
    Column("spike_mode", Boolean, nullable=False),
    # How many claims have been made in spike mode: every fifth of them goes to a late case.
    Column("claims", Integer, nullable=False),
    *_made(),
    # Seconds by which its cases come later in the order than promised.
    Column("put_off_s", Integer, nullable=False, server_default="0"),
    # How many steps of the policy are taken, since when, and what was predicted.
    Column("policy", JSON, nullable=False, server_default="{}"),
)

queue_events = Table(
    "queue_events",
    metadata,
    # What happened to a queue or an agent rather than to a case.
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    # e.g. "sla.breach_predicted", "policy.step", "presence.changed"
    Column("kind", String(40), nullable=False),
    Column("queue", String(80)),
    Column("body", JSON, nullable=False),
    Column("actor", String(120), nullable=False),
    Index(None, "kind", "at"),
)

outbox = Table(
    "outbox",
    metadata,
    # What is to be delivered to others: written in the transaction that decides it, sent later.
    Column("outbox_id", Integer, primary_key=True),
    # The name by which a receiver knows it again; one delivery each.
    Column("key", String(200), nullable=False, unique=True),
    # reply, acknowledgement, notice, event, activity (to the CRM)
    Column("kind", String(16), nullable=False),
    # A source, or "crm".
    Column("target", String(40), nullable=False),
    Column("case_id", Integer, ForeignKey("cases.case_id")),
    Column("body", JSON, nullable=False),
    # new, sent, dead
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("error", Text),
    # The platform's id of what was posted, so that its echo is known and answers to it thread.
    Column("native_id", String(200)),
    *_made(),
    Index(
        "ix_outbox_open",
        "next_at",
        sqlite_where=text("state = 'new'"),
        postgresql_where=text("state = 'new'"),
    ),
    # What was given up, for somebody to look at.
    Index(
        "ix_outbox_dead",
        "outbox_id",
        sqlite_where=text("state = 'dead'"),
        postgresql_where=text("state = 'dead'"),
    ),
    Index(None, "case_id"),
    Index(None, "target", "native_id"),
)

metric_days = Table(
    "metric_days",
    metadata,
    # What the metrics of a local day of the site add up from, by queue and account.
    Column("day", Date, primary_key=True),
    Column("queue", String(80), primary_key=True),
    Column("account", String(200), primary_key=True),
    Column("document", JSON, nullable=False),
    Column("made_at", Instant, nullable=False),
)

metric_changes = Table(
    "metric_changes",
    metadata,
    # Days whose cases have changed since they were added up.
    Column("day", Date, primary_key=True),
)

# -- access, jobs, audit -------------------------------------------------------------------------

keys = Table(
    "keys",
    metadata,
    Column("key_id", String(24), primary_key=True),
    Column("role", String(20), nullable=False),
    Column("label", String(120), nullable=False),
    # Whose own data a key of the role `agent` reaches.
    Column("agent_id", String(80)),
    # SHA-256 of a secret of 256 random bits: nothing to guess, so no slow hash is needed.
    Column("secret_sha256", LargeBinary(32), nullable=False),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
    *_made(),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", LargeBinary(32), primary_key=True),
    # "link" until the one-time link is followed, then "session"
    Column("kind", String(10), nullable=False),
    Column("role", String(20), nullable=False),
    Column("expires_at", Instant, nullable=False),
    *_made(),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("caller", String(120), primary_key=True),
    Column("request_sha256", LargeBinary(32), nullable=False),
    Column("status", Integer, nullable=False),
    Column("response", JSON, nullable=False),
    Column("written_at", Instant, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    # queued, running, done, failed, cancelled
    Column("state", String(12), nullable=False),
    Column("request", JSON, nullable=False),
    # 0 to 1, and the stage in words
    Column("progress", Float, nullable=False),
    Column("stage", String(120), nullable=False),
    # [{"at", "level", "code", "text", "args"}]
    Column("messages", JSON, nullable=False),
    Column("result", JSON),
    Column("problem", JSON),
    Column("submitted_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("actor", String(120), nullable=False),
    Index(None, "state"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(120), nullable=False),
    # e.g. "brand.import", "plan.publish", "key.create"
    Column("action", String(60), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("before", JSON),
    Column("after", JSON),
)
