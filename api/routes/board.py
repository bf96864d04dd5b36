"""The board of the queue: the waiting cases in the order, and how today stands.

Both are asked for again and again by many screens: an answer that has not changed is not sent
twice (`If-None-Match`).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from api.auth import Caller, require
from api.deps import BrandDep, StoreDep
from api.routes.cases import AlertOut, CaseOut, Name
from wfm.casequeue import board as boards
from wfm.store.brands import find_brand
from wfm.timegrid import Clock, SystemClock

router = APIRouter(prefix="/queue", tags=["queue"])

Overseer = Annotated[
    Caller, Depends(require("queue-engine", "planner", "manager", "team-lead", "auditor"))
]

Answer = TypeVar("Answer", bound=BaseModel)

_UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "What the caller holds (`If-None-Match`) is still so"}
}


class WaitingOut(BaseModel):
    """A waiting case; `words` is raw text, to be escaped where it is shown.

    `slack_s` counts down to `due_at` and is below 0 once it is late.
    """

    model_config = ConfigDict(from_attributes=True)

    place: int
    case: CaseOut
    channel: str
    handle: str
    author_kind: str
    reach: int | None
    words: str
    slack_s: float
    put_off_s: int
    opens_at: datetime | None
    why: str


class BoardOut(BaseModel):
    """The first cases in the order, of `waiting` in all."""

    model_config = ConfigDict(from_attributes=True)

    as_of: datetime
    waiting: int
    cases: list[WaitingOut]


class StepOut(BaseModel):
    """A step of the policy that is taken, by its number in the configuration."""

    model_config = ConfigDict(from_attributes=True)

    step: int
    action: str
    since: datetime


class QueueTodayOut(BaseModel):
    """A queue today: `kept` and `missed` are first replies that were owed since midnight.

    `breaks_at` is when its promise is predicted to break; `outlook` says why, or that it is kept.
    Both are null where nobody has looked ahead of late.
    """

    queue: str
    is_open: bool
    spike_mode: bool
    put_off_s: int
    waiting: int
    due_soon: int
    late: int
    held: int
    kept: int
    missed: int
    attainment: float | None
    promised_share: float
    promised_within_s: int
    on_shift: int
    effective: float | None
    required: float | None
    steps: list[StepOut]
    breaks_at: datetime | None
    outlook: str | None
    alert: AlertOut | None


class TodayOut(BaseModel):
    """All queues today. `clock_rate`: seconds that the service's clock shows in a second; `zone`:
    the site's."""

    as_of: datetime
    clock_rate: float
    zone: str
    waiting: int
    due_soon: int
    late: int
    attainment: float | None
    promised: float | None
    on_shift: int
    present: int
    effective: float | None
    tasks_due: int
    quarantined: int
    undelivered: int
    queues: list[QueueTodayOut]


@router.get("/board", response_model=BoardOut, responses=_UNCHANGED)
def get_board(
    request: Request,
    response: Response,
    store: StoreDep,
    brand: BrandDep,
    _caller: Overseer,
    queue: Annotated[list[Name] | None, Query(description="all queues without")] = None,
    limit: Annotated[int, Query(ge=1, le=boards.PAGE_MAX)] = boards.PAGE,
) -> BoardOut | Response:
    """The waiting cases in the order in which they are claimed, each with its slack and why."""
    with store.reading() as connection:
        found = boards.board(connection, brand, store.clock.now(), queue, limit)
    answer = BoardOut.model_validate(found)
    still = answer.model_dump_json(exclude={"as_of": True, "cases": {"__all__": {"slack_s"}}})
    return _unless_held(request, response, answer, still)


@router.get(
    "/today",
    response_model=TodayOut,
    responses={**_UNCHANGED, 204: {"description": "There is no brand yet, so there is no queue"}},
)
def get_today(
    request: Request, response: Response, store: StoreDep, _caller: Overseer
) -> TodayOut | Response:
    """What waits, how the promise stands so far today, and who is there."""
    with store.reading() as connection:
        brand = find_brand(connection)
        if brand is None:
            return Response(status_code=204)
        found = boards.today(connection, brand, store.clock.now())
    answer = _today(found, store.clock, brand.zone)
    return _unless_held(request, response, answer, answer.model_dump_json(exclude={"as_of"}))


def rate_of(clock: Clock) -> float:
    """Seconds that the clock shows in a second; 0 for one that stands still."""
    return clock.rate if isinstance(clock, SystemClock) else 0.0


def _today(found: boards.Today, clock: Clock, zone: str) -> TodayOut:
    return TodayOut(
        as_of=found.as_of,
        zone=zone,
        clock_rate=rate_of(clock),
        waiting=found.waiting,
        due_soon=found.due_soon,
        late=found.late,
        attainment=found.attainment,
        promised=found.promised,
        on_shift=found.on_shift,
        present=found.present,
        effective=None if found.effective is None else round(found.effective, 1),
        tasks_due=found.ends.tasks_due,
        quarantined=found.ends.quarantined,
        undelivered=found.ends.undelivered,
        queues=[_queue(line) for line in found.queues],
    )


def _queue(line: boards.QueueToday) -> QueueTodayOut:
    now, ahead = line.now, line.next_hour
    return QueueTodayOut(
        queue=now.queue,
        is_open=now.is_open,
        spike_mode=now.spike_mode,
        put_off_s=line.put_off_s,
        waiting=now.waiting,
        due_soon=line.due_soon,
        late=now.late,
        held=now.held,
        kept=line.kept,
        missed=line.missed,
        attainment=line.attainment,
        promised_share=line.goal.share,
        promised_within_s=line.goal.threshold_s,
        on_shift=now.on_shift,
        effective=line.effective,
        required=line.required,
        steps=[StepOut.model_validate(step) for step in line.steps],
        breaks_at=None if ahead is None else ahead.breaks_at,
        outlook=None if ahead is None else ahead.reason,
        alert=None if now.alert is None else AlertOut.model_validate(now.alert),
    )


def _unless_held(
    request: Request, response: Response, answer: Answer, named_by: str
) -> Answer | Response:
    """The answer, or 304 where the caller holds one that says the same."""
    tag = f'W/"{hashlib.sha256(named_by.encode()).hexdigest()[:32]}"'
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    held = request.headers.get("if-none-match", "")
    if tag in (part.strip() for part in held.split(",")):
        return Response(status_code=304, headers=dict(response.headers))
    return answer
