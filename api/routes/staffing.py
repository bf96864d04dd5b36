"""What the queue engine reads: how many agents each queue has, now and next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from api.auth import require
from api.deps import Moment, StoreDep
from wfm.casequeue.levels import Levels, levels_now
from wfm.casequeue.presence import here
from wfm.errors import NotFound, RequestError
from wfm.store import staffing
from wfm.store.brands import find_brand
from wfm.store.staffing import PlanVersion, StaffingRow
from wfm.timegrid import INTERVAL, INTERVAL_S, floor_interval

if TYPE_CHECKING:
    from sqlalchemy import Connection

AHEAD = 8
MAX_RANGE = timedelta(days=42)

router = APIRouter(
    prefix="/staffing",
    tags=["staffing"],
    dependencies=[Depends(require("queue-engine", "planner", "manager", "team-lead", "auditor"))],
)


class Level(BaseModel):
    """Agents of one queue in one interval; `net` is effective less required."""

    start: datetime
    scheduled: float
    effective: float
    slots: float
    required: float
    net: float


class QueueLevels(BaseModel):
    """A queue's current interval, when the roster covers it, and the next eight.

    `on_shift` agents serve it by the roster now, `present` of them are there; they may serve other
    queues too.
    """

    queue: str
    now: Level | None
    next: list[Level]
    on_shift: int = 0
    present: int = 0


class StaffingNow(BaseModel):
    """`age_s` is how long ago the roster was published, by the clock that `as_of` is read from.

    `doubt` is empty while the levels are the plan's own of now. When planning is down, or no roster
    covers the present, they are the last good ones, read `levels_age_s` ago, and `doubt` says so.
    """

    as_of: datetime
    plan_id: int
    plan_version: int
    published_at: datetime
    age_s: int
    interval_s: int = INTERVAL_S
    queues: list[QueueLevels]
    levels_age_s: int = 0
    doubt: str = ""


class RangeLevel(Level):
    """A level with its queue and the version of the roster it comes from."""

    queue: str
    plan_version: int


class StaffingRange(BaseModel):
    """Levels of the intervals that start in [from, to), by start and queue."""

    from_: datetime = Field(serialization_alias="from")
    to: datetime
    as_of: datetime
    interval_s: int = INTERVAL_S
    rows: list[RangeLevel]


def _numbers(row: StaffingRow) -> dict[str, float]:
    return {
        "scheduled": round(row.scheduled, 3),
        "effective": round(row.effective, 3),
        "slots": round(row.slots, 3),
        "required": round(row.required, 3),
        "net": round(row.effective - row.required, 3),
    }


def _unchanged(request: Request, response: Response, tag: str) -> bool:
    """Whether the caller holds what `tag` names; marks the response with it either way."""
    etag = f'W/"{tag}"'
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    held = request.headers.get("if-none-match", "")
    return held.strip() == "*" or etag in (part.strip() for part in held.split(","))


def _by_queue(rows: Sequence[StaffingRow], current: datetime) -> list[QueueLevels]:
    levels: dict[str, QueueLevels] = {}
    for row in rows:
        queue = levels.setdefault(row.queue, QueueLevels(queue=row.queue, now=None, next=[]))
        level = Level(start=row.start, **_numbers(row))
        if row.start == current:
            queue.now = level
        else:
            queue.next.append(level)
    return [levels[name] for name in sorted(levels)]


def _tag(versions: dict[int, PlanVersion], *instants: datetime) -> str:
    names = sorted(str(v.version) for v in versions.values())
    return "-".join([*names, *(str(int(at.timestamp())) for at in instants)])


_UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "What the caller holds (`If-None-Match`) is still so"}
}


@router.get("/now", response_model=StaffingNow, responses=_UNCHANGED)
def staffing_now(request: Request, response: Response, store: StoreDep) -> StaffingNow | Response:
    """Scheduled, effective, slots, required and net of each queue: this interval and the next 8."""
    now = store.clock.now()
    current = floor_interval(now)
    with store.reading() as connection:
        rows = staffing.staffing_rows(connection, current, current + (AHEAD + 1) * INTERVAL)
        newest = staffing.current_plan_id(connection)
        if newest is None:
            raise NotFound("no roster is published yet; run `wfm plan`, then `wfm publish latest`")
        plan_ids = {row.plan_id for row in rows} | {newest}
        versions = staffing.versions_of(connection, plan_ids)
        on_shift, present = _there(connection, now)
    there = "-".join(f"{name}.{on_shift[name]}.{present[name]}" for name in sorted(on_shift))
    tag = _tag(versions, current) + f"-{sha256(there.encode()).hexdigest()[:12]}"
    kept = None
    if not any(row.start == current for row in rows):
        kept = levels_now(store, now=now, quarters=AHEAD)
    if kept is not None and kept.doubt:
        tag = f"{tag}-{int(kept.as_of.timestamp())}-{int(now.timestamp()) // 60}"
    if _unchanged(request, response, tag):
        return Response(status_code=304, headers=dict(response.headers))
    plan = versions[rows[0].plan_id if rows else newest]
    queues = _by_queue(rows, current) if kept is None else _of_last_good(kept, current)
    for queue in queues:
        queue.on_shift, queue.present = on_shift[queue.queue], present[queue.queue]
    return StaffingNow(
        as_of=now,
        plan_id=plan.plan_id,
        plan_version=plan.version,
        published_at=plan.published_at,
        age_s=max(0, int((now - plan.published_at).total_seconds())),
        queues=queues,
        levels_age_s=0 if kept is None else max(0, int((now - kept.as_of).total_seconds())),
        doubt="" if kept is None else kept.doubt,
    )


def _there(connection: Connection, now: datetime) -> tuple[Counter[str], Counter[str]]:
    """By queue, who is on shift for it and who of them is there."""
    shifts = staffing.all_on_shift_at(connection, now)
    brand = find_brand(connection)
    there = here(connection, brand, now).values() if brand is not None else ()
    return (
        Counter(name for shift in shifts for name in shift.queues),
        Counter(name for one in there for name in one.shift.queues),
    )


def _of_last_good(kept: Levels, current: datetime) -> list[QueueLevels]:
    """The levels that were read last, as those of the plan are told."""
    rows = [
        StaffingRow(0, start, name, level.scheduled, level.effective, level.slots, level.required)
        for start, queues in kept.queues.items()
        for name, level in sorted(queues.items())
    ]
    return _by_queue(rows, current)


@router.get("", response_model=StaffingRange, responses=_UNCHANGED)
def staffing_between(
    request: Request,
    response: Response,
    store: StoreDep,
    from_: Annotated[Moment, Query(alias="from", description="first instant")],
    to: Annotated[Moment, Query(description="first instant after the range")],
) -> StaffingRange | Response:
    """Staffing in force of the intervals that start in [from, to)."""
    if not from_ < to <= from_ + MAX_RANGE:
        raise RequestError(
            f"the range runs from {from_.isoformat()} to {to.isoformat()}; "
            f"`to` must be later than `from` by at most {MAX_RANGE.days} days",
            to=to.isoformat(),
        )
    with store.reading() as connection:
        rows = staffing.staffing_rows(connection, from_, to)
        versions = staffing.versions_of(connection, {row.plan_id for row in rows})
    if _unchanged(request, response, _tag(versions, from_, to)):
        return Response(status_code=304, headers=dict(response.headers))
    return StaffingRange(
        from_=from_,
        to=to,
        as_of=store.clock.now(),
        rows=[
            RangeLevel(
                start=row.start,
                queue=row.queue,
                plan_version=versions[row.plan_id].version,
                **_numbers(row),
            )
            for row in rows
        ],
    )
