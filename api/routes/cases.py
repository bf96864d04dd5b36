"""The queue's door: claim, answer, give back and close cases; what waits, and who is there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import MAX_ID, BrandDep, StoreDep
from wfm.casequeue import claims
from wfm.casequeue.capacity import queue_overview
from wfm.casequeue.spike import set_spike_mode
from wfm.cases import CaseState
from wfm.errors import NotAllowed, RequestError
from wfm.store import cases
from wfm.store.engine import Store

# PostgreSQL keeps no NUL in a text, so that nothing can have such a name.
NO_NUL = r"^[^\x00]*$"

router = APIRouter(tags=["queue"])

# The queue engine acts for any agent; an agent for themselves; leads and managers step in.
Worker = Annotated[Caller, Depends(require("queue-engine", "agent", "team-lead"))]
Closer = Annotated[Caller, Depends(require("queue-engine", "agent", "team-lead", "manager"))]
Lead = Annotated[Caller, Depends(require("queue-engine", "team-lead", "manager"))]
Overseer = Annotated[
    Caller, Depends(require("queue-engine", "planner", "manager", "team-lead", "auditor"))
]
Anyone = Annotated[Caller, Depends(require())]

CaseId = Annotated[int, Path(ge=1, le=MAX_ID)]
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=NO_NUL)]
Token = Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL)]
Text = Annotated[str, Field(min_length=1, max_length=claims.ANSWER_MAX)]


class CaseOut(BaseModel):
    """A case and where it stands.

    `new` waits, `assigned` is held until `lease_until`, `answered` waits for the customer, `paused`
    until `paused_until`; `closed` ends it. `due_at` is when the reply is due that is owed now;
    `first_any_at` counts automatic replies too.
    """

    model_config = ConfigDict(from_attributes=True)

    case_id: int
    queue: str
    author: str
    state: CaseState
    severity: int
    received_at: datetime
    due_at: datetime
    due_goal: str
    contacts: int
    opened_at: datetime
    agent_id: str | None
    claimed_at: datetime | None
    lease_until: datetime | None
    first_response_at: datetime | None
    first_any_at: datetime | None
    answered_at: datetime | None
    paused_until: datetime | None
    closed_at: datetime | None
    closed_reason: str | None
    merged_into: int | None
    author_id: int | None
    source: str
    account: str
    complexity: str
    needs_level: int
    flags: list[str]
    escalation: int


class CasePage(BaseModel):
    """Cases by deadline; `next` is the cursor of the following page, absent after the last."""

    items: list[CaseOut]
    next: str | None


class MessageOut(BaseModel):
    """What the author wrote; raw text, to be escaped where it is shown."""

    model_config = ConfigDict(from_attributes=True)

    contact_id: int
    author: str
    text: str
    published_at: datetime
    received_at: datetime


class EventOut(BaseModel):
    """What happened to the case; `text` is an answer or a reason."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    at: datetime
    agent_id: str | None
    text: str | None
    actor: str


class CaseDetail(CaseOut):
    """A case with its messages and its history, oldest first."""

    messages: list[MessageOut]
    events: list[EventOut]


class ClaimIn(BaseModel):
    """Whose claim it is; a caller of the role agent may leave it out."""

    model_config = ConfigDict(extra="forbid")

    agent_id: Name | None = None


class ClaimOut(BaseModel):
    """The case to work on with its messages, and the token to act on it with; null: none waits."""

    case: CaseDetail | None
    lease_token: str | None


class Lease(BaseModel):
    """The token that the claim gave."""

    model_config = ConfigDict(extra="forbid")

    lease_token: Token


class AnswerIn(Lease):
    """The reply to be sent."""

    text: Text


class CloseIn(BaseModel):
    """Why the case ends; with the token of its lease if somebody holds it."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=claims.REASON_MAX)
    lease_token: Token | None = None


class AlertOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    code: Literal["no_roster", "empty_pool", "no_specialist"]
    text: str


class QueueOut(BaseModel):
    """A queue now. `slots` are those of the agents on shift for it, over all their queues."""

    model_config = ConfigDict(from_attributes=True)

    queue: str
    is_open: bool
    spike_mode: bool
    waiting: int
    oldest_received_at: datetime | None
    next_due_at: datetime | None
    late: int
    on_shift: int
    slots: int
    held: int
    alert: AlertOut | None


class QueuesOut(BaseModel):
    as_of: datetime
    queues: list[QueueOut]


class SpikeModeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: bool


def _detail(store: Store, case_id: int) -> CaseDetail:
    with store.reading() as connection:
        return CaseDetail(
            **CaseOut.model_validate(cases.find_case(connection, case_id)).model_dump(),
            messages=[MessageOut.model_validate(m) for m in cases.messages_of(connection, case_id)],
            events=[EventOut.model_validate(e) for e in cases.events_of(connection, case_id)],
        )


def _agent(caller: Caller, asked: str | None) -> str:
    """Whom the caller claims for: an agent only for themselves."""
    if caller.agent_id is None:
        if asked is None:
            raise RequestError("say for whom the case is claimed: send agent_id")
        return asked
    if asked not in (None, caller.agent_id):
        raise NotAllowed(
            f"this key is {caller.agent_id}'s own and cannot claim for {asked}", agent_id=asked
        )
    return caller.agent_id


def refuse_others(store: Store, case_id: int, caller: Caller) -> None:
    """Agents reach the cases that are theirs; all others reach every case."""
    if caller.agent_id is None:
        return
    with store.reading() as connection:
        case = cases.find_case(connection, case_id)
    if case.agent_id != caller.agent_id:
        raise NotAllowed(f"case {case_id} is not {caller.agent_id}'s", case_id=case_id)


@router.post("/cases/claim")
def claim_case(claim: ClaimIn, store: StoreDep, brand: BrandDep, caller: Worker) -> ClaimOut:
    """The first case in the order that the agent may take, on a lease (ten minutes by default)."""
    agent_id = _agent(caller, claim.agent_id)
    claimed = claims.claim_next(store, agent_id, brand=brand, actor=caller.actor)
    if claimed is None:
        return ClaimOut(case=None, lease_token=None)
    return ClaimOut(case=_detail(store, claimed.case.case_id), lease_token=claimed.lease_token)


@router.post("/cases/{case_id}/answer")
def answer_case(
    case_id: CaseId, answer: AnswerIn, store: StoreDep, brand: BrandDep, caller: Worker
) -> CaseOut:
    """Send a human reply and give up the lease; 409 `lease_lost` when it has passed on."""
    case = claims.answer(
        store, case_id, answer.lease_token, answer.text, brand=brand, actor=caller.actor
    )
    return CaseOut.model_validate(case)


@router.post("/cases/{case_id}/release")
def release_case(case_id: CaseId, lease: Lease, store: StoreDep, caller: Worker) -> CaseOut:
    """Give the case back unanswered; its deadline stays."""
    case = claims.release(store, case_id, lease.lease_token, actor=caller.actor)
    return CaseOut.model_validate(case)


@router.post("/cases/{case_id}/renew")
def renew_case(
    case_id: CaseId, lease: Lease, store: StoreDep, brand: BrandDep, caller: Worker
) -> CaseOut:
    """Hold the case as long again from now on."""
    case = claims.renew(store, case_id, lease.lease_token, brand=brand, actor=caller.actor)
    return CaseOut.model_validate(case)


@router.post("/cases/{case_id}/close")
def close_case(
    case_id: CaseId, closing: CloseIn, store: StoreDep, brand: BrandDep, caller: Closer
) -> CaseOut:
    """End the case for a reason; the author's next message opens a new one."""
    refuse_others(store, case_id, caller)
    case = claims.close(
        store,
        case_id,
        closing.reason,
        brand=brand,
        actor=caller.actor,
        lease_token=closing.lease_token,
    )
    return CaseOut.model_validate(case)


@router.get("/cases")
def list_cases(
    store: StoreDep,
    _caller: Overseer,
    queue: Annotated[Name | None, Query()] = None,
    state: CaseState | None = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> CasePage:
    """Cases by deadline, a page at a time."""
    with store.reading() as connection:
        page, following = cases.page_of_cases(
            connection, queue=queue, state=state, cursor=cursor, limit=limit
        )
    return CasePage(items=[CaseOut.model_validate(case) for case in page], next=following)


@router.get("/cases/{case_id}")
def get_case(case_id: CaseId, store: StoreDep, caller: Anyone) -> CaseDetail:
    """One case with its messages and its history; an agent sees the cases that are theirs."""
    refuse_others(store, case_id, caller)
    return _detail(store, case_id)


@router.get("/queues")
def list_queues(store: StoreDep, brand: BrandDep, _caller: Anyone) -> QueuesOut:
    """Every queue now: what waits, what is late, who is there, and an alert where nobody is."""
    now = store.clock.now()
    overview = queue_overview(store, brand=brand, now=now)
    return QueuesOut(as_of=now, queues=[QueueOut.model_validate(q) for q in overview])


@router.put("/queues/{queue}/spike-mode", status_code=204)
def put_spike_mode(
    queue: str, mode: SpikeModeIn, store: StoreDep, brand: BrandDep, caller: Lead
) -> None:
    """Put the queue into spike mode (cases that can be saved first), or take it out."""
    set_spike_mode(store, queue, mode.on, brand=brand, actor=caller.actor)
