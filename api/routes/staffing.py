"""What the queue engine reads: how many agents each queue has, now and next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from api.auth import require
from api.deps import Moment, StoreDep
from wfm.errors import NotFound, RequestError
from wfm.store import staffing
from wfm.store.staffing import PlanVersion, StaffingRow
from wfm.timegrid import INTERVAL, INTERVAL_S, floor_interval

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
    """A queue's current interval, when the roster covers it, and the next eight."""

    queue: str
    now: Level | None
    next: list[Level]


class StaffingNow(BaseModel):
    """`age_s` is how long ago the roster was published, by the clock that `as_of` is read from."""

    as_of: datetime
    plan_id: int
    plan_version: int
    published_at: datetime
    age_s: int
    interval_s: int = INTERVAL_S
    queues: list[QueueLevels]


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
    if _unchanged(request, response, _tag(versions, current)):
        return Response(status_code=304, headers=dict(response.headers))
    plan = versions[rows[0].plan_id if rows else newest]
    return StaffingNow(
        as_of=now,
        plan_id=plan.plan_id,
        plan_version=plan.version,
        published_at=plan.published_at,
        age_s=max(0, int((now - plan.published_at).total_seconds())),
        queues=_by_queue(rows, current),
    )


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
