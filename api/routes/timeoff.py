"""Time off: asked for, weighed against a roster, granted or declined."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.deps import MAX_ID, StoreDep
from api.routes.paging import Before, Limit, page_of
from api.routes.rosterwire import (
    ChangeOut,
    EditedOut,
    JudgementOut,
    Planner,
    Reader,
    Reason,
    changes_out,
    edited_out,
    judgement_out,
)
from wfm.store.requests import RequestState

if TYPE_CHECKING:
    from scheduling.editing.timeoff import Absence

router = APIRouter(tags=["rosters"])

RequestId = Annotated[int, Path(ge=1, le=MAX_ID)]
OnRoster = Annotated[
    str, Query(description="a plan by id, `latest` or `current`, or a draft as `draft-5`")
]


class RequestOut(BaseModel):
    """A request: asked, granted, declined or withdrawn.

    Of time off `first` and `last` are its local days, both included; of a trade `first` is the
    agent's day and `last` that of `other`. `draft_id` is the draft that a grant has changed.
    """

    model_config = ConfigDict(from_attributes=True)

    request_id: int
    agent_id: str
    other: str | None
    first: date
    last: date
    state: str
    reason: str
    answer: str
    draft_id: int | None
    asked_by: str
    asked_at: datetime
    actor: str
    written_at: datetime


class RequestList(BaseModel):
    """Requests, the newest first; `next` continues the list as `before`, null at its end."""

    items: list[RequestOut]
    next: int | None


class TimeOffOrder(BaseModel):
    """Time off that an agent asks for: local days, both included."""

    model_config = ConfigDict(extra="forbid")

    agent_id: str = Field(max_length=80)
    first: date
    last: date
    reason: Reason = ""


class Answer(BaseModel):
    """Why a request is answered as it is."""

    model_config = ConfigDict(extra="forbid")

    answer: Reason = ""


class GrantOrder(Answer):
    """How to grant a request: in which draft, seen at which revision.

    Without a draft one is opened on the plan in force, where that has shifts on those days.
    """

    draft_id: int | None = Field(default=None, ge=1, le=MAX_ID)
    revision: int | None = Field(default=None, ge=0, le=MAX_ID)


class AbsenceDayOut(BaseModel):
    """A local day of an absence: the shift that falls away, agent-hours short without and with."""

    model_config = ConfigDict(from_attributes=True)

    day: date
    shift: str
    pinned: bool
    short_before: float
    short_after: float
    fits: bool


class EffectOut(BaseModel):
    """What granting time off would do to a roster."""

    fits: bool
    verdict: str
    lost_hours: float
    days: list[AbsenceDayOut]
    changes: list[ChangeOut]
    judgement: JudgementOut


class Granted(BaseModel):
    """A request that was granted, and what it did to a draft, if a roster has those days."""

    request: RequestOut
    edited: EditedOut | None


@router.post("/time-off-requests", status_code=201)
def ask_time_off(
    order: TimeOffOrder, response: Response, store: StoreDep, caller: Planner
) -> RequestOut:
    """Keep a request for time off; its address is in `Location`."""
    from api.planning import absences  # late: loads the planning libraries

    request_id = absences.ask(
        store, order.agent_id, order.first, order.last, actor=caller.actor, reason=order.reason
    )
    response.headers["Location"] = f"/api/v1/time-off-requests/{request_id}"
    return RequestOut.model_validate(absences.find(store, request_id))


@router.get("/time-off-requests")
def list_time_off(
    store: StoreDep,
    _caller: Reader,
    state: RequestState | None = None,
    agent_id: str | None = None,
    limit: Limit = 50,
    before: Before = None,
) -> RequestList:
    """Requests for time off, of all agents or one."""
    from api.planning import absences

    found = absences.list_requests(
        store, state=state, agent_id=agent_id, limit=limit + 1, before=before
    )
    page, following = page_of(found, limit, lambda one: one.request_id)
    return RequestList(items=[RequestOut.model_validate(one) for one in page], next=following)


@router.get("/time-off-requests/{request_id}")
def get_time_off(request_id: RequestId, store: StoreDep, _caller: Reader) -> RequestOut:
    """One request for time off."""
    from api.planning import absences

    return RequestOut.model_validate(absences.find(store, request_id))


@router.get("/time-off-requests/{request_id}/effect")
def get_time_off_effect(
    request_id: RequestId, store: StoreDep, _caller: Reader, on: OnRoster = "current"
) -> EffectOut:
    """What granting the request would do to the roster in force, or to another."""
    from api.planning import absences

    return _effect(absences.effect(store, request_id, on))


@router.post("/time-off-requests/{request_id}/grant")
def grant_time_off(
    request_id: RequestId, order: GrantOrder, store: StoreDep, caller: Planner
) -> Granted:
    """Give the agent the time off; a draft gets the shifts of those days dropped."""
    from api.planning import absences

    done = absences.grant(
        store,
        request_id,
        actor=caller.actor,
        answer=order.answer,
        draft_id=order.draft_id,
        revision=order.revision,
    )
    return Granted(
        request=RequestOut.model_validate(done.request),
        edited=None if done.edited is None else edited_out(done.edited),
    )


@router.post("/time-off-requests/{request_id}/decline")
def decline_time_off(
    request_id: RequestId, order: Answer, store: StoreDep, caller: Planner
) -> RequestOut:
    """Say no to the request."""
    from api.planning import absences

    done = absences.decline(store, request_id, actor=caller.actor, answer=order.answer)
    return RequestOut.model_validate(done)


@router.post("/time-off-requests/{request_id}/withdraw")
def withdraw_time_off(
    request_id: RequestId, order: Answer, store: StoreDep, caller: Planner
) -> RequestOut:
    """Take the request back before it is answered."""
    from api.planning import absences

    done = absences.withdraw(store, request_id, actor=caller.actor, answer=order.answer)
    return RequestOut.model_validate(done)


def _effect(found: Absence) -> EffectOut:
    return EffectOut(
        fits=found.fits,
        verdict=found.verdict,
        lost_hours=found.lost_hours,
        days=[AbsenceDayOut.model_validate(day) for day in found.days],
        changes=changes_out(found.changes),
        judgement=judgement_out(found.judgement),
    )
