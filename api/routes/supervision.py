"""What leads do with single cases, escalation to specialists, and exceptions beyond the rules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import MAX_ID, BrandDep, StoreDep
from api.routes.cases import (
    Anyone,
    CaseId,
    CaseOut,
    Closer,
    Lead,
    Name,
    Overseer,
    Token,
    refuse_others,
)
from api.routes.paging import Before, Limit, page_of
from wfm.casequeue import escalation, exceptions, supervise
from wfm.casequeue.texts import REASON_MAX
from wfm.errors import RequestError
from wfm.store.exceptions import CaseException, ExceptionState, find_exception, list_exceptions

router = APIRouter(tags=["queue"])

ExceptionId = Annotated[int, Path(ge=1, le=MAX_ID)]
Reason = Annotated[str, Field(min_length=1, max_length=REASON_MAX)]
# Those whose limit may cover something; what a machine grants, nobody answers for.
Granter = Annotated[Caller, Depends(require("agent", "team-lead", "manager"))]


class AssignIn(BaseModel):
    """Who is to have the case."""

    model_config = ConfigDict(extra="forbid")

    agent_id: Name


class TakeAwayIn(BaseModel):
    """Why the case is taken away, if a reason is given."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=REASON_MAX)


class ReasonIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class EscalateIn(ReasonIn):
    """Why specialists are to have the case; agents send the token of their lease."""

    lease_token: Token | None = None


class ExceptionIn(ReasonIn):
    """An amount in the brand's money, and what it is for."""

    amount: float = Field(gt=0, le=exceptions.AMOUNT_MAX, allow_inf_nan=False)


class ExceptionOut(BaseModel):
    """`granted` at once, or `asked` for and then `approved` or `refused` by `actor`."""

    model_config = ConfigDict(from_attributes=True)

    exception_id: int
    case_id: int
    amount: float
    reason: str
    state: ExceptionState
    asked_by: str
    asked_at: datetime
    actor: str
    written_at: datetime


class ExceptionPage(BaseModel):
    """Exceptions, the newest first; `next` continues the list as `before`, null at its end."""

    items: list[ExceptionOut]
    next: int | None


# -- single cases --------------------------------------------------------------------------------


@router.post("/cases/{case_id}/assign")
def assign_case(
    case_id: CaseId, order: AssignIn, store: StoreDep, brand: BrandDep, caller: Lead
) -> CaseOut:
    """Give a case to an agent, also one that somebody else holds; never more than their slots."""
    given = supervise.assign(store, case_id, order.agent_id, brand=brand, actor=caller.actor)
    return CaseOut.model_validate(given.case)


@router.post("/cases/{case_id}/take-away")
def take_case_away(case_id: CaseId, order: TakeAwayIn, store: StoreDep, caller: Lead) -> CaseOut:
    """Take a case from the agent who holds it; it waits again with the deadline it had."""
    case = supervise.take_away(store, case_id, actor=caller.actor, reason=order.reason)
    return CaseOut.model_validate(case)


@router.post("/cases/{case_id}/force-close")
def force_close_case(
    case_id: CaseId, order: ReasonIn, store: StoreDep, brand: BrandDep, caller: Lead
) -> CaseOut:
    """End a case for a reason, whoever holds it."""
    case = supervise.close(store, case_id, order.reason, brand=brand, actor=caller.actor)
    return CaseOut.model_validate(case)


@router.post("/cases/{case_id}/escalate")
def escalate_case(
    case_id: CaseId, order: EscalateIn, store: StoreDep, brand: BrandDep, caller: Closer
) -> CaseOut:
    """Hand a case to the specialists; agents those they hold, with the token of their lease."""
    refuse_others(store, case_id, caller)
    if caller.agent_id is not None and order.lease_token is None:
        raise RequestError("send the lease_token that the claim of the case gave")
    case = escalation.escalate(
        store,
        case_id,
        order.reason,
        brand=brand,
        actor=caller.actor,
        lease_token=order.lease_token,
    )
    return CaseOut.model_validate(case)


# -- exceptions ----------------------------------------------------------------------------------


@router.post("/cases/{case_id}/exceptions", status_code=201)
def ask_exception(
    case_id: CaseId, asked: ExceptionIn, store: StoreDep, brand: BrandDep, caller: Granter
) -> ExceptionOut:
    """Grant a customer an amount within the limit of the caller's role, or ask for more."""
    refuse_others(store, case_id, caller)
    found = exceptions.ask_exception(
        store,
        case_id,
        asked.amount,
        asked.reason,
        brand=brand,
        role=caller.role,
        actor=caller.actor,
    )
    return _out(found)


@router.get("/exceptions")
def get_exceptions(
    store: StoreDep,
    _caller: Overseer,
    state: ExceptionState | None = None,
    case_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    limit: Limit = 50,
    before: Before = None,
) -> ExceptionPage:
    """What customers were granted and what was asked for, a page at a time."""
    with store.reading() as connection:
        found = list_exceptions(
            connection, state=state, case_id=case_id, before=before, limit=limit + 1
        )
    page, following = page_of(found, limit, lambda one: one.exception_id)
    return ExceptionPage(items=[_out(one) for one in page], next=following)


@router.get("/exceptions/{exception_id}")
def get_exception(exception_id: ExceptionId, store: StoreDep, caller: Anyone) -> ExceptionOut:
    """One exception; an agent sees those of the cases that are theirs."""
    with store.reading() as connection:
        found = find_exception(connection, exception_id)
    refuse_others(store, found.case_id, caller)
    return _out(found)


@router.post("/exceptions/{exception_id}/approve")
def approve_exception(
    exception_id: ExceptionId, store: StoreDep, brand: BrandDep, caller: Granter
) -> ExceptionOut:
    """Say yes to what was asked for; 403 when the limit of the caller's role does not cover it."""
    found = exceptions.approve_exception(
        store, exception_id, brand=brand, role=caller.role, actor=caller.actor
    )
    return _out(found)


@router.post("/exceptions/{exception_id}/refuse")
def refuse_exception(
    exception_id: ExceptionId, store: StoreDep, brand: BrandDep, caller: Granter
) -> ExceptionOut:
    """Say no to what was asked for; by whoever could have said yes."""
    found = exceptions.refuse_exception(
        store, exception_id, brand=brand, role=caller.role, actor=caller.actor
    )
    return _out(found)


def _out(found: CaseException) -> ExceptionOut:
    return ExceptionOut.model_validate(found)
