"""Plans: drafts, published versions and their tables. A plan is never changed once written.

Publishing moves the word "published" from one plan to another in the caller's transaction, so that
a reader sees the old roster or the new one and never half of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from wfm.errors import IllegalMove, NotFound
from wfm.store import certificates, forecasts, queueevents, tables
from wfm.store.engine import Writing
from wfm.store.tabular import insert_frame
from wfm.store.tabular import read_frame as read_rows
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    import pandas as pd

    from wfm.frames import TableSchema
    from wfm.store.forecasts import Version

PlanState = Literal["draft", "published", "superseded"]
OwnFrame = Literal["requirement", "roster", "staffing", "on_shift"]
FrameName = OwnFrame | Literal["forecast", "parts"]

_TABLES: dict[OwnFrame, sa.Table] = {
    "requirement": tables.plan_requirement,
    "roster": tables.plan_roster,
    "staffing": tables.plan_staffing,
    "on_shift": tables.plan_on_shift,
}

# On PostgreSQL, a lock that only those take who publish.
_PUBLISH_LOCK = 0x77666D02


@dataclass(frozen=True)
class PlanRow:
    """A plan without its tables and its certificates.

    version  1, 2, 3 ... in the order of publishing; None while it is a draft
    lineage  what it was computed from
    """

    plan_id: int
    state: PlanState
    version: int | None
    start: datetime
    end: datetime
    seed: int
    lineage: dict[str, Any] = field(repr=False)
    summary: dict[str, Any] = field(repr=False)
    published_at: datetime | None
    actor: str
    written_at: datetime


_p = tables.plans.c
# The columns of a PlanRow, in its order.
_PLAN = (
    _p.plan_id, _p.state, _p.version, _p.starts_at, _p.ends_at, _p.seed, _p.inputs, _p.summary,
    _p.published_at, _p.actor, _p.written_at,
)  # fmt: skip


def _schema(name: OwnFrame) -> TableSchema:
    from wfm import frames  # late: readers of the live queue must not load pandas

    schemas: dict[OwnFrame, TableSchema] = {
        "requirement": frames.REQUIREMENT,
        "roster": frames.ROSTER,
        "staffing": frames.STAFFING,
        "on_shift": frames.ON_SHIFT,
    }
    return schemas[name]


def insert_draft(
    writing: Writing,
    *,
    start: datetime,
    end: datetime,
    seed: int,
    lineage: Mapping[str, Any],
    summary: Mapping[str, Any],
    certificate: Mapping[str, Any],
    forecast: Version,
    frames: Mapping[OwnFrame, pd.DataFrame],
    job_id: str | None = None,
) -> int:
    """Write a plan with its forecast and its tables, each checked against its schema; gives its id.

    certificate  what it attains, as a document; kept as the first of the plan's certificates
    forecast  what it was planned on, kept as a version of kind "plan" that the plan owns
    job_id  the job that made it, by which `made_by` finds it; a job makes one plan
    """
    checked = {name: _schema(name).check(frames[name]) for name in _TABLES}
    plan_id: int = writing.connection.scalars(
        tables.plans.insert()
        .values(
            state="draft",
            starts_at=start,
            ends_at=end,
            seed=seed,
            inputs=dict(lineage),
            summary=dict(summary),
            job_id=job_id,
            **writing.stamp,
        )
        .returning(tables.plans.c.plan_id)
    ).one()
    for name, frame in checked.items():
        insert_frame(writing.connection, _TABLES[name], frame, plan_id=plan_id)
    forecasts.insert(
        writing, forecast, kind="plan", start=start, end=end, seed=seed, plan_id=plan_id
    )
    certificates.insert(writing, plan_id, certificate, seed=certificate.get("seed", seed))
    writing.audit("plan.draft", str(plan_id), after={"seed": seed})
    return plan_id


def made_by(connection: sa.Connection, job_id: str) -> int | None:
    """The plan that the job has saved, or None."""
    return connection.scalar(
        sa.select(tables.plans.c.plan_id).where(tables.plans.c.job_id == job_id)
    )


def publish(writing: Writing, plan_id: int) -> int:
    """Make the draft the roster in force, superseding the one before; gives its version.

    IllegalMove when it is no draft, NotFound when there is no such plan.
    """
    if writing.connection.dialect.name == "postgresql":
        # One at a time, so that versions are counted right; on SQLite a write is alone.
        writing.connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_PUBLISH_LOCK)))
    plan = find(writing.connection, plan_id)
    if plan.state != "draft":
        raise IllegalMove(
            f"plan {plan_id} is {plan.state}; only a draft can be published. "
            "Plan anew with `wfm plan`",
            plan_id=plan_id,
            state=plan.state,
        )
    newest = writing.connection.scalar(sa.select(sa.func.max(tables.plans.c.version)))
    version = (newest or 0) + 1
    writing.connection.execute(
        tables.plans.update().where(tables.plans.c.state == "published").values(state="superseded")
    )
    writing.connection.execute(
        tables.plans.update()
        .where(tables.plans.c.plan_id == plan_id)
        .values(
            state="published",
            version=version,
            published_at=writing.at,
            published_by=writing.actor,
        )
    )
    writing.audit("plan.publish", str(plan_id), after={"version": version})
    queueevents.add(
        writing,
        "schedule.published",
        body={
            "plan_id": plan_id,
            "version": version,
            "from": format_instant(plan.start),
            "to": format_instant(plan.end),
        },
    )
    return version


def find(connection: sa.Connection, which: int | Literal["current", "latest"]) -> PlanRow:
    """The plan with the id, the one in force ("current"), or the newest of any state ("latest")."""
    query = sa.select(*_PLAN)
    if which == "current":
        query = query.where(tables.plans.c.state == "published")
    elif which == "latest":
        query = query.order_by(tables.plans.c.plan_id.desc()).limit(1)
    else:
        query = query.where(tables.plans.c.plan_id == which)
    row = connection.execute(query).one_or_none()
    if row is not None:
        return PlanRow(*tuple(row))
    if which == "current":
        raise NotFound("no roster is published yet; run `wfm plan`, then `wfm publish latest`")
    if which == "latest":
        raise NotFound("there is no plan yet; run `wfm plan --from DATE --weeks 4`")
    raise NotFound(f"there is no plan {which}; `wfm plans` lists them", plan_id=which)


def certificate_document(connection: sa.Connection, plan_id: int) -> dict[str, Any]:
    """The certificate that the plan was made with, as JSON holds it."""
    return certificates.own_document(connection, plan_id)


def listing(connection: sa.Connection, *, limit: int = 50, before: int | None = None) -> list[Any]:
    """Plans without their tables and certificates, newest first; `before` continues a listing."""
    p = tables.plans.c
    query = sa.select(
        p.plan_id, p.state, p.version, p.starts_at, p.ends_at, p.seed, p.published_at, p.actor,
        p.written_at,
    )  # fmt: skip
    if before is not None:
        query = query.where(p.plan_id < before)
    return list(connection.execute(query.order_by(p.plan_id.desc()).limit(limit)))


def read_frame(
    connection: sa.Connection,
    name: FrameName,
    plan_id: int,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    agent_id: str | None = None,
) -> pd.DataFrame:
    """One of a plan's tables, sorted by its key; `start` and `end` cut by the `start` column.

    agent_id  only this agent's rows, of the tables that have them
    """
    if name == "forecast":
        owned = forecasts.owned_by(connection, plan_id)
        return forecasts.read_table(connection, owned, start=start, end=end)
    if name == "parts":
        owned = forecasts.owned_by(connection, plan_id)
        return forecasts.read_parts(connection, owned, start=start, end=end)
    schema = _schema(name)
    table = _TABLES[name]
    query = sa.select(*(table.c[column] for column in schema.columns)).where(
        table.c.plan_id == plan_id
    )
    if start is not None:
        query = query.where(table.c.start >= start)
    if end is not None:
        query = query.where(table.c.start < end)
    if agent_id is not None:
        query = query.where(table.c.agent_id == agent_id)
    return read_rows(connection, query.order_by(*(table.c[key] for key in schema.key)), schema)


def newest_version(connection: sa.Connection) -> int:
    """The version that was published last; 0 when none was."""
    return connection.scalar(sa.select(sa.func.max(tables.plans.c.version))) or 0


def published_since(
    connection: sa.Connection, version: int, *, start: datetime, end: datetime
) -> PlanRow | None:
    """The newest plan published after the version whose span touches [start, end), or None."""
    query = (
        sa.select(*_PLAN)
        .where(_p.version > version, _p.starts_at < end, _p.ends_at > start)
        .order_by(_p.version.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else PlanRow(*tuple(row))


def was_in_force(connection: sa.Connection, *, start: datetime, end: datetime) -> bool:
    """Whether a roster was ever in force for some of [start, end)."""
    return published_since(connection, 0, start=start, end=end) is not None


def published_roster(connection: sa.Connection, *, start: datetime, end: datetime) -> pd.DataFrame:
    """ROSTER of the shifts that began in [start, end), as they were in force then, each whole.

    A shift belongs to the plan that was published last of those that cover its start. Later
    versions replace earlier ones from their own start on, as publishing does.
    """
    import pandas as pd

    from wfm.frames import ROSTER

    rows = connection.execute(
        sa.select(_p.plan_id, _p.starts_at, _p.ends_at)
        .where(_p.version.is_not(None), _p.starts_at < end, _p.ends_at > start)
        .order_by(_p.version)
    ).all()
    kept, begun = ROSTER.empty(), pd.Series(dtype=ROSTER.columns["start"].dtype)
    for row in rows:
        # What began before the span is read too, to be told from what begins in it.
        segments = read_frame(
            connection,
            "roster",
            row.plan_id,
            start=start - _LONGEST_SHIFT,
            end=end + _LONGEST_SHIFT,
        )
        begins = _shift_starts(segments)
        inside = (begins >= start) & (begins < end)
        before = (begun < row.starts_at) | (begun >= row.ends_at)
        kept = pd.concat([kept[before], segments[inside]], ignore_index=True)
        begun = pd.concat([begun[before], begins[inside]], ignore_index=True)
    return ROSTER.check(kept.drop_duplicates(["agent_id", "start"], keep="last"))


_LONGEST_SHIFT = timedelta(days=1)


def _shift_starts(segments: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """When the shift of each segment began: segments of a shift follow one another without a hole.

    segments  ROSTER, sorted by agent and start
    """
    earlier = segments.shift()
    fresh = (
        (segments["agent_id"] != earlier["agent_id"])
        | (segments["start"] != earlier["end"])
        | (segments["template"] != earlier["template"])
    )
    return segments["start"].groupby(fresh.cumsum()).transform("first")
