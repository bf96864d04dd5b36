"""Who is there: agents sign on and off, are away, and are heard of; what each holds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict

from api.auth import Caller
from api.deps import BrandDep, StoreDep
from api.routes.cases import NO_NUL, CaseOut, Overseer, Worker
from wfm.casequeue import presence
from wfm.errors import NotAllowed
from wfm.store.presence import PresenceState, held_cases

router = APIRouter(prefix="/presence", tags=["queue"])

AgentId = Annotated[str, Path(min_length=1, max_length=80, pattern=NO_NUL)]


class PresenceOut(BaseModel):
    """What an agent said last: `since` when, and when they were last heard of."""

    model_config = ConfigDict(from_attributes=True)

    agent_id: str
    state: PresenceState
    since: datetime
    heartbeat_at: datetime


class SeenOut(BaseModel):
    """An agent who is on shift or signed on.

    `state` is null for one who never signed on, `slots` and `queues` for one who is not on shift.
    `is_here`: on shift, and available and heard of of late, or at work on a case.
    """

    agent_id: str
    state: PresenceState | None
    since: datetime | None
    heartbeat_at: datetime | None
    is_here: bool
    held: int
    slots: int | None
    queues: list[str] | None
    until: datetime | None


class PresencesOut(BaseModel):
    as_of: datetime
    agents: list[SeenOut]


class HeldOut(BaseModel):
    """A case that the agent holds, and the token to act on it with."""

    case: CaseOut
    lease_token: str


class HeldList(BaseModel):
    """What the agent holds, the first due first."""

    items: list[HeldOut]


def check_own(caller: Caller, agent_id: str) -> None:
    """Agents speak for themselves only; the queue engine and leads for everybody."""
    if caller.agent_id not in (None, agent_id):
        raise NotAllowed(
            f"this key is {caller.agent_id}'s own and cannot speak for {agent_id}",
            agent_id=agent_id,
        )


@router.get("")
def list_presence(store: StoreDep, brand: BrandDep, _caller: Overseer) -> PresencesOut:
    """Everybody who is on shift or signed on now."""
    now = store.clock.now()
    with store.reading() as connection:
        found = presence.everybody(connection, brand, now)
    return PresencesOut(
        as_of=now,
        agents=[
            SeenOut(
                agent_id=seen.agent_id,
                state=seen.state,
                since=seen.since,
                heartbeat_at=seen.heartbeat_at,
                is_here=seen.is_here,
                held=seen.held,
                slots=seen.shift.slots if seen.shift else None,
                queues=list(seen.shift.queues) if seen.shift else None,
                until=seen.shift.end if seen.shift else None,
            )
            for seen in found
        ],
    )


@router.post("/{agent_id}/sign-on")
def sign_on(agent_id: AgentId, store: StoreDep, caller: Worker) -> PresenceOut:
    """The agent is there, or back; 409 `off_shift` says when their shift is."""
    check_own(caller, agent_id)
    return PresenceOut.model_validate(presence.sign_on(store, agent_id, actor=caller.actor))


@router.post("/{agent_id}/away")
def go_away(agent_id: AgentId, store: StoreDep, caller: Worker) -> PresenceOut:
    """The agent is away for a while: they keep what they hold and get nothing new."""
    check_own(caller, agent_id)
    return PresenceOut.model_validate(presence.away(store, agent_id, actor=caller.actor))


@router.post("/{agent_id}/sign-off")
def sign_off(agent_id: AgentId, store: StoreDep, caller: Worker) -> PresenceOut:
    """The agent goes; what they hold waits again."""
    check_own(caller, agent_id)
    return PresenceOut.model_validate(presence.sign_off(store, agent_id, actor=caller.actor))


@router.post("/{agent_id}/heartbeat")
def heartbeat(agent_id: AgentId, store: StoreDep, caller: Worker) -> PresenceOut:
    """The agent is still there; who is not heard of for two minutes (by default) is signed off."""
    check_own(caller, agent_id)
    return PresenceOut.model_validate(presence.heartbeat(store, agent_id, actor=caller.actor))


@router.get("/{agent_id}/cases")
def list_held(agent_id: AgentId, store: StoreDep, caller: Worker) -> HeldList:
    """The cases the agent holds, each with the token of its lease: also those given to them."""
    check_own(caller, agent_id)
    with store.reading() as connection:
        held = held_cases(connection, agent_id, now=store.clock.now())
    return HeldList(
        items=[
            HeldOut(case=CaseOut.model_validate(case), lease_token=token) for case, token in held
        ]
    )
