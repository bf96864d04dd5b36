"""Forecast versions, their rows and their scores. A version is never changed once written.

A version notes the newest import of counts that its scores know. `due` compares that with the
imports since, so that what came late or was corrected is scored again, and nothing else is;
`score_anew` takes the note away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from wfm.errors import NotFound
from wfm.store.bulk import IN_LIST, Row, batches
from wfm.store.engine import Writing
from wfm.store.tables import audit, forecast_rows, forecast_scores, forecasts, imports, volumes
from wfm.store.tabular import insert_frame, read_frame
from wfm.timegrid import INTERVAL, format_instant

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["plan", "standing", "intraday"]
KINDS: tuple[Kind, ...] = ("plan", "standing", "intraday")
Which = int | Literal["latest"]

_f, _r, _s = forecasts.c, forecast_rows.c, forecast_scores.c


@dataclass(frozen=True, eq=False)
class Version:
    """What a version is made of.

    table     FORECAST
    parts     PARTS of the same rows; None: all of the mean is baseline
    naive     by row of the table: the weekly naive as it was known, NaN where it was not
    inputs    what it was made from: `queues` and `models` (by queue) at least
    accuracy  lines of the back-test, as documents
    noise     what scenario paths need, as a document
    """

    table: pd.DataFrame
    parts: pd.DataFrame | None = None
    naive: Sequence[float] | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    accuracy: Sequence[Mapping[str, Any]] = ()
    noise: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ForecastRow:
    """A version without its rows.

    plan_id  the plan that owns it (kind "plan")
    """

    forecast_id: int
    kind: Kind
    start: datetime
    end: datetime
    seed: int
    plan_id: int | None
    inputs: dict[str, Any] = field(repr=False)
    summary: dict[str, Any] = field(repr=False)
    accuracy: list[dict[str, Any]] = field(repr=False)
    made_at: datetime
    actor: str


# The columns of a ForecastRow, in its order.
_ROW = (
    _f.forecast_id, _f.kind, _f.starts_at, _f.ends_at, _f.seed, _f.plan_id, _f.inputs, _f.summary,
    _f.accuracy, _f.made_at, _f.actor,
)  # fmt: skip


def insert(
    writing: Writing,
    version: Version,
    *,
    kind: Kind,
    start: datetime,
    end: datetime,
    seed: int,
    plan_id: int | None = None,
    job_id: str | None = None,
) -> int:
    """Keep the version, its tables checked against their schemas; gives its id.

    job_id  the job that made it, by which `made_by` finds it; a job makes one version
    """
    from wfm.frames import FORECAST, PARTS

    table = FORECAST.check(version.table)
    key = ["start", "queue"]
    if version.parts is None:
        rows = table.assign(baseline=table["mean"], holiday=0.0, campaign=0.0, correction=0.0)
    else:
        rows = table.merge(PARTS.check(version.parts), on=key, validate="one_to_one")
    if len(rows) != len(table):
        raise ValueError(f"parts of {len(rows)} of the forecast's {len(table)} rows")
    if version.naive is not None:
        known = table[key].assign(naive=list(version.naive))
        rows = rows.merge(known, on=key, validate="one_to_one")
    forecast_id: int = writing.connection.scalars(
        forecasts.insert()
        .values(
            kind=kind,
            starts_at=start,
            ends_at=end,
            seed=seed,
            plan_id=plan_id,
            inputs=dict(version.inputs),
            summary=dict(version.summary),
            accuracy=[dict(line) for line in version.accuracy],
            noise=dict(version.noise),
            job_id=job_id,
            made_at=writing.at,
            actor=writing.actor,
        )
        .returning(_f.forecast_id)
    ).one()
    insert_frame(writing.connection, forecast_rows, rows, forecast_id=forecast_id)
    writing.audit("forecast.keep", str(forecast_id), after={"kind": kind, "seed": seed})
    return forecast_id


def find(connection: sa.Connection, which: Which, *, queue: str | None = None) -> ForecastRow:
    """The version with the id, or the newest that is no intraday update; of `queue`, when named.

    NotFound when there is none.
    """
    query = sa.select(*_ROW)
    if which == "latest":
        query = query.where(_f.kind != "intraday").order_by(_f.forecast_id.desc()).limit(1)
    else:
        query = query.where(_f.forecast_id == which)
    if queue is not None:
        query = query.where(_holds(queue))
    row = connection.execute(query).one_or_none()
    if row is not None:
        return ForecastRow(*tuple(row))
    held = "" if queue is None else f" of queue {queue!r}"
    if which == "latest":
        raise NotFound(f"there is no forecast{held} yet; run `wfm forecast`")
    raise NotFound(
        f"there is no forecast {which}{held}; `wfm forecasts` lists them", forecast_id=which
    )


def _holds(queue: str) -> sa.Exists:
    """Whether a version has rows of the queue."""
    return sa.exists().where(_r.forecast_id == _f.forecast_id, _r.queue == queue)


def made_by(connection: sa.Connection, job_id: str) -> int | None:
    """The version that the job has kept, or None."""
    return connection.scalar(sa.select(_f.forecast_id).where(_f.job_id == job_id))


def owned_by(connection: sa.Connection, plan_id: int) -> int:
    """The version that the plan owns; NotFound when there is no such plan."""
    found = connection.scalar(sa.select(_f.forecast_id).where(_f.plan_id == plan_id))
    if found is None:
        raise NotFound(f"there is no plan {plan_id}; `wfm plans` lists them", plan_id=plan_id)
    return int(found)


def version_of_plan(connection: sa.Connection, plan_id: int) -> Version:
    """The version that the plan owns, whole; NotFound when there is no such plan."""
    forecast_id = owned_by(connection, plan_id)
    row = find(connection, forecast_id)
    return Version(
        table=read_table(connection, forecast_id),
        parts=read_parts(connection, forecast_id),
        naive=[
            float("nan") if value is None else value
            for value in read_naive(connection, forecast_id)
        ],
        inputs=row.inputs,
        summary=row.summary,
        accuracy=row.accuracy,
        noise=noise_document(connection, forecast_id),
    )


def covering(connection: sa.Connection, queue: str, instant: datetime) -> int | None:
    """The newest version, intraday updates apart, that has a row of the queue at the interval."""
    query = (
        sa.select(_f.forecast_id)
        .join(forecast_rows, _r.forecast_id == _f.forecast_id)
        .where(
            _f.kind != "intraday",
            # Few versions are left whose rows are looked at.
            _f.starts_at <= instant,
            _f.ends_at > instant,
            _r.queue == queue,
            _r.start == instant,
        )
    )
    return connection.scalar(query.order_by(_f.forecast_id.desc()).limit(1))


def listing(
    connection: sa.Connection,
    *,
    limit: int = 50,
    before: int | None = None,
    kinds: Collection[Kind] = KINDS,
) -> list[ForecastRow]:
    """Versions without their rows, newest first; `before` continues a listing."""
    query = sa.select(*_ROW).where(_f.kind.in_(kinds))
    if before is not None:
        query = query.where(_f.forecast_id < before)
    rows = connection.execute(query.order_by(_f.forecast_id.desc()).limit(limit))
    return [ForecastRow(*tuple(row)) for row in rows]


def noise_document(connection: sa.Connection, forecast_id: int) -> dict[str, Any]:
    """The version's noise as JSON holds it."""
    document: dict[str, Any] = connection.execute(
        sa.select(_f.noise).where(_f.forecast_id == forecast_id)
    ).scalar_one()
    return document


def incumbents(connection: sa.Connection, *, before: datetime) -> dict[str, str]:
    """By queue, the model that was chosen for its last forecast that began by the instant.

    A forecast that was confined to some models chose from them only, and does not count.
    """
    newest: dict[str, str] = {}
    query = (
        sa.select(_f.inputs)
        .where(_f.kind != "intraday", _f.starts_at <= before)
        .order_by(_f.forecast_id.desc())
        .limit(_RECENT)
    )
    for inputs in connection.scalars(query):
        if inputs.get("only") is not None:
            continue
        for queue, model in inputs.get("models", {}).items():
            newest.setdefault(queue, model)
    return newest


# How many versions back a queue's last model is looked for.
_RECENT = 50


def last_change(connection: sa.Connection) -> tuple[int, int]:
    """Numbers that differ after any change that people or imports make to the store."""
    newest = sa.select(
        sa.select(sa.func.coalesce(sa.func.max(audit.c.id), 0)).scalar_subquery(),
        sa.select(sa.func.coalesce(sa.func.max(imports.c.import_id), 0)).scalar_subquery(),
    )
    audited, imported = connection.execute(newest).one()
    return int(audited), int(imported)


# -- rows ----------------------------------------------------------------------------------------


def read_table(
    connection: sa.Connection,
    forecast_id: int,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    queues: Collection[str] | None = None,
) -> pd.DataFrame:
    """FORECAST of [start, end), sorted by its key."""
    from wfm.frames import FORECAST

    query = _cut(forecast_id, list(FORECAST.columns), start, end, queues)
    return read_frame(connection, query, FORECAST)


def read_parts(
    connection: sa.Connection,
    forecast_id: int,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    queues: Collection[str] | None = None,
) -> pd.DataFrame:
    """PARTS of [start, end), sorted by its key."""
    from wfm.frames import PARTS

    return read_frame(connection, _cut(forecast_id, list(PARTS.columns), start, end, queues), PARTS)


def read_naive(
    connection: sa.Connection,
    forecast_id: int,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    queues: Collection[str] | None = None,
) -> list[float | None]:
    """The weekly naive at each row that `read_table` gives, None where it was not known."""
    query = _cut(forecast_id, ["naive"], start, end, queues)
    return list(connection.scalars(query))


def _cut(
    forecast_id: int,
    columns: Sequence[str],
    start: datetime | None,
    end: datetime | None,
    queues: Collection[str] | None,
) -> sa.Select[Any]:
    query = sa.select(*(_r[name] for name in columns)).where(_r.forecast_id == forecast_id)
    if start is not None:
        query = query.where(_r.start >= start)
    if end is not None:
        query = query.where(_r.start < end)
    if queues is not None:
        query = query.where(_r.queue.in_(queues))
    return query.order_by(_r.start, _r.queue)


# -- what is forgotten ---------------------------------------------------------------------------

# In a version's summary: when its rows were dropped. Its back-test and its scores stay.
FORGOTTEN = "forgotten"
_HAS_ROWS = _f.summary[FORGOTTEN].as_string().is_(None)


def forgettable(connection: sa.Connection, *, ended_before: datetime) -> list[int]:
    """Standing versions that ended before the instant, were scored and still have their rows."""
    query = sa.select(_f.forecast_id).where(
        _f.kind == "standing",
        _f.ends_at < ended_before,
        _f.scored_import.is_not(None),
        _HAS_ROWS,
    )
    return list(connection.scalars(query.order_by(_f.forecast_id)))


def forget_rows(writing: Writing, forecast_id: int) -> None:
    """Drop the version's rows; all else of it stays, and no later count changes its scores."""
    held = find(writing.connection, forecast_id)
    writing.connection.execute(forecast_rows.delete().where(_r.forecast_id == forecast_id))
    writing.connection.execute(
        forecasts.update()
        .where(_f.forecast_id == forecast_id)
        .values(summary=held.summary | {FORGOTTEN: format_instant(writing.at)})
    )
    writing.audit("forecast.forget", str(forecast_id))


# -- scores --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """Versions whose scores are behind what came.

    import_id  the newest import of counts there is
    behind     by version, the queues to score
    up_to_date  the other versions
    """

    import_id: int
    behind: Mapping[int, tuple[str, ...]]
    up_to_date: tuple[int, ...]


def due(connection: sa.Connection) -> Due:
    """Which versions hold intervals that an import has brought or changed since their scores."""
    newest = int(connection.scalar(sa.select(sa.func.max(imports.c.import_id))) or 0)
    query: sa.Select[Any] = sa.select(
        _f.forecast_id, _f.starts_at, _f.ends_at, _f.inputs["queues"].label("queues"),
        _f.scored_import,
    ).where(_HAS_ROWS)  # fmt: skip
    by_known: dict[int, list[sa.Row[Any]]] = {}
    for row in connection.execute(query.order_by(_f.forecast_id)):
        known = _NONE_KNOWN if row.scored_import is None else int(row.scored_import)
        by_known.setdefault(known, []).append(row)
    behind: dict[int, tuple[str, ...]] = {}
    up_to_date = []
    for known, rows in by_known.items():
        if known == newest:
            continue
        spans = _spans(connection, since=known, start=min(row.starts_at for row in rows))
        for row in rows:
            queues = tuple(
                queue
                for queue in row.queues or ()
                if queue in spans
                and spans[queue][0] < row.ends_at
                and row.starts_at < spans[queue][1]
            )
            if queues:
                behind[row.forecast_id] = queues
            else:
                up_to_date.append(row.forecast_id)
    return Due(newest, dict(sorted(behind.items())), tuple(up_to_date))


# Counts without an import are as those of an import 0.
_NONE_KNOWN = -1


def _spans(
    connection: sa.Connection, *, since: int, start: datetime
) -> dict[str, tuple[datetime, datetime]]:
    """By queue, the span of the counts at or after `start` that imports after `since` brought."""
    v = volumes.c
    query = (
        sa.select(v.queue, sa.func.min(v.start), sa.func.max(v.start))
        .where(v.start >= start, sa.func.coalesce(v.import_id, 0) > since)
        .group_by(v.queue)
    )
    return {queue: (first, last + INTERVAL) for queue, first, last in connection.execute(query)}


def write_scores(
    writing: Writing,
    forecast_id: int,
    queues: Collection[str],
    rows: Sequence[Row],
    *,
    import_id: int,
) -> bool:
    """Keep the scores of a version's queues in place of all older ones of these queues.

    False when somebody kept as new ones before: of several who score at once one writes.
    """
    if not _claim(writing, [forecast_id], import_id):
        return False
    for batch in batches(queues, IN_LIST):
        writing.connection.execute(
            forecast_scores.delete().where(_s.forecast_id == forecast_id, _s.queue.in_(batch))
        )
    if rows:
        keyed = [{"forecast_id": forecast_id, **row} for row in rows]
        writing.connection.execute(forecast_scores.insert(), keyed)
    return True


def score_anew(writing: Writing, start: datetime, end: datetime) -> None:
    """Have the versions that touch [start, end) scored again: what counts there has changed."""
    writing.connection.execute(
        forecasts.update().where(_f.starts_at < end, _f.ends_at > start).values(scored_import=None)
    )


def note_up_to_date(writing: Writing, forecast_ids: Sequence[int], *, import_id: int) -> None:
    """Keep that imports up to `import_id` have nothing new for the versions."""
    for batch in batches(forecast_ids, IN_LIST):
        _claim(writing, batch, import_id)


def _claim(writing: Writing, forecast_ids: Sequence[int], import_id: int) -> int:
    """Move the versions' mark of the newest import known up; gives how many were behind it."""
    return writing.connection.execute(
        forecasts.update()
        .where(
            _f.forecast_id.in_(forecast_ids),
            sa.func.coalesce(_f.scored_import, _NONE_KNOWN) < import_id,
        )
        .values(scored_import=import_id)
    ).rowcount


def score_rows(
    connection: sa.Connection,
    *,
    forecast_id: int | None = None,
    queue: str | None = None,
    since: datetime | None = None,
) -> list[Row]:
    """Scores of one version, or of those made at or after `since`, the newest version first."""
    query = (
        sa.select(_f.kind, _f.made_at, *_s)
        .join(forecasts, _f.forecast_id == _s.forecast_id)
        .order_by(_f.forecast_id.desc(), _s.queue, _s.step, _s.lead)
    )
    if forecast_id is not None:
        query = query.where(_s.forecast_id == forecast_id)
    if queue is not None:
        query = query.where(_s.queue == queue)
    if since is not None:
        query = query.where(_f.made_at >= since)
    return [dict(row._mapping) for row in connection.execute(query)]
