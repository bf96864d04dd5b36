"""Moves of a case apart from claiming and answering: pause, resume, reopen, merge, hand over."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.deps import MAX_ID, BrandDep, StoreDep
from api.routes.cases import (
    NO_NUL,
    CaseId,
    CaseOut,
    Closer,
    Lead,
    Name,
    Token,
    refuse_others,
)
from wfm.casequeue import merging, moves
from wfm.casequeue.texts import REASON_MAX

router = APIRouter(prefix="/cases/{case_id}", tags=["queue"])

Reason = Annotated[str, Field(min_length=1, max_length=REASON_MAX, pattern=NO_NUL)]


class PauseIn(BaseModel):
    """Why the case rests, and until when; without it, until its author writes or it is resumed."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    until: AwareDatetime | None = None
    lease_token: Token | None = None


class ReopenIn(BaseModel):
    """Why the closed case is taken up again."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class MergeIn(BaseModel):
    """The case that goes on for both."""

    model_config = ConfigDict(extra="forbid")

    into: int = Field(ge=1, le=MAX_ID)


class MoveIn(BaseModel):
    """The queue the case is handed to; with the token of its lease if somebody holds it."""

    model_config = ConfigDict(extra="forbid")

    queue: Name
    reason: Reason | None = None
    lease_token: Token | None = None


class SeverityIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    severity: int = Field(ge=0, le=moves.SEVERITY_MAX)
    reason: Reason | None = None


class AcknowledgeIn(BaseModel):
    """The automatic acknowledgement to be sent."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=moves.ACKNOWLEDGEMENT_MAX)


@router.post("/pause")
def pause_case(
    case_id: CaseId, pausing: PauseIn, store: StoreDep, brand: BrandDep, caller: Closer
) -> CaseOut:
    """Let a waiting or held case rest; its clocks stand still. An agent pauses what they hold."""
    refuse_others(store, case_id, caller)
    case = moves.pause(
        store,
        case_id,
        pausing.reason,
        brand=brand,
        actor=caller.actor,
        until=pausing.until,
        lease_token=pausing.lease_token,
    )
    return CaseOut.model_validate(case)


@router.post("/resume")
def resume_case(case_id: CaseId, store: StoreDep, brand: BrandDep, caller: Lead) -> CaseOut:
    """Let a paused case wait again, with what was left of its clocks."""
    case = moves.resume(store, case_id, brand=brand, actor=caller.actor)
    return CaseOut.model_validate(case)


@router.post("/reopen")
def reopen_case(
    case_id: CaseId, reopening: ReopenIn, store: StoreDep, brand: BrandDep, caller: Lead
) -> CaseOut:
    """Let a closed case wait again; 409 `conflict` while its author has another one open."""
    case = moves.reopen(store, case_id, reopening.reason, brand=brand, actor=caller.actor)
    return CaseOut.model_validate(case)


@router.post("/merge")
def merge_case(
    case_id: CaseId, merge: MergeIn, store: StoreDep, brand: BrandDep, caller: Lead
) -> CaseOut:
    """Close the case and go on in another, which has the messages and the earlier deadline of both.

    Gives the case that goes on.
    """
    kept = merging.merge(store, case_id, into=merge.into, brand=brand, actor=caller.actor)
    return CaseOut.model_validate(kept)


@router.post("/move")
def move_case(
    case_id: CaseId, move: MoveIn, store: StoreDep, brand: BrandDep, caller: Closer
) -> CaseOut:
    """Hand the case over to another queue with the promise it has; an agent: one they hold."""
    refuse_others(store, case_id, caller)
    case = moves.move_queue(
        store,
        case_id,
        move.queue,
        brand=brand,
        actor=caller.actor,
        reason=move.reason or "",
        lease_token=move.lease_token,
    )
    return CaseOut.model_validate(case)


@router.post("/severity")
def set_case_severity(case_id: CaseId, grave: SeverityIn, store: StoreDep, caller: Lead) -> CaseOut:
    """Make the case more or less grave: of those due at once, the gravest comes first."""
    case = moves.set_severity(
        store, case_id, grave.severity, actor=caller.actor, reason=grave.reason or ""
    )
    return CaseOut.model_validate(case)


@router.post("/acknowledge")
def acknowledge_case(
    case_id: CaseId, sending: AcknowledgeIn, store: StoreDep, brand: BrandDep, caller: Lead
) -> CaseOut:
    """Send an automatic acknowledgement, once a wait; the human answer stays owed."""
    case = moves.acknowledge(store, case_id, sending.text, brand=brand, actor=caller.actor)
    return CaseOut.model_validate(case)
