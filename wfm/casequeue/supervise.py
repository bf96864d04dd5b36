"""What a supervisor does with single cases: give one to an agent, take one away, end one.

Nobody is given more than their slots, or what their skill does not reach, by a supervisor either.
Moving a case to another queue, and its severity, are in `wfm.casequeue.moves`.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from datetime import datetime

from wfm.brands import Brand
from wfm.casequeue import claims
from wfm.casequeue.assignment import tell_assigned
from wfm.casequeue.claims import Claimed
from wfm.casequeue.holding import give, let_go
from wfm.casequeue.presence import may_claim, shift_of
from wfm.casequeue.texts import check_text
from wfm.cases import Case, check_move
from wfm.errors import Conflict, IllegalMove, NoFreeSlot
from wfm.store import cases, standing, waiting
from wfm.store.engine import Store, Writing
from wfm.store.people import level_of, skill_levels
from wfm.store.presence import lease_of


def assign(
    store: Store,
    case_id: int,
    agent_id: str,
    *,
    brand: Brand,
    actor: str,
    now: datetime | None = None,
) -> Claimed:
    """Give a case to an agent; if somebody else holds it, it is taken from them.

    OffShift when the agent is not on shift; NotPresent when they said that they are away;
    NoFreeSlot when they hold as many cases as they have slots; Conflict when they hold it already,
    do not serve its queue, or are not skilled enough; IllegalMove when the case neither waits nor
    is held.
    """
    claims.expire_leases(store, actor=actor, now=now)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        waiting.lock_agent(writing, agent_id)
        case = cases.lock_case(writing, case_id)
        if case.state != "assigned":
            check_move(case_id, case.state, "assigned")
        elif case.agent_id == agent_id:
            raise Conflict(f"{agent_id} holds case {case_id} already", case_id=case_id)
        _check_agent_for(writing, case, agent_id)
        if case.state == "assigned":
            text = f"given to {agent_id}"
            case = let_go(writing, case, kind="taken", ended_by="taken", text=text)
        held, token = give(writing, case, agent_id, lease_s=brand.care.lease_s)
        tell_assigned(writing, held)
        return Claimed(held, token)


def _check_agent_for(writing: Writing, case: Case, agent_id: str) -> None:
    may_claim(writing.connection, agent_id, writing.at)
    shift = shift_of(writing.connection, agent_id, writing.at)
    if case.queue not in shift.queues:
        raise Conflict(
            f"{agent_id} serves {', '.join(shift.queues)} now, not {case.queue}; choose another "
            "agent, or move the case to a queue of theirs",
            case_id=case.case_id,
            agent_id=agent_id,
        )
    skills = skill_levels(writing.connection, [agent_id]).get(agent_id, {})
    level = level_of(skills, case.queue)
    if level < case.needs_level:
        raise Conflict(
            f"case {case.case_id} needs level {case.needs_level} in {case.queue} and {agent_id} "
            f"has {level}; choose another agent",
            case_id=case.case_id,
            agent_id=agent_id,
        )
    held = standing.held_by_agent(writing.connection, writing.at).get(agent_id, 0)
    if held >= shift.slots:
        raise NoFreeSlot(
            f"{agent_id} holds {held} cases and has {shift.slots} slots; take one away first",
            agent_id=agent_id,
            held=held,
            slots=shift.slots,
        )


def take_away(
    store: Store, case_id: int, *, actor: str, reason: str = "", now: datetime | None = None
) -> Case:
    """Take a case from the agent who holds it: it waits again. IllegalMove when nobody does."""
    if reason:
        check_text("reason", reason)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        case = cases.lock_case(writing, case_id)
        if case.state != "assigned":
            raise IllegalMove(
                f"case {case_id} is {case.state}; only a case that somebody holds is taken away",
                case_id=case_id,
                state=case.state,
            )
        return let_go(writing, case, kind="taken", ended_by="taken", text=reason or None)


def close(
    store: Store,
    case_id: int,
    reason: str,
    *,
    brand: Brand,
    actor: str,
    now: datetime | None = None,
) -> Case:
    """End a case for a reason, whoever holds it.

    IllegalMove when it is closed already; LeaseLost when it passes from one agent to another at
    this very moment.
    """
    with store.reading() as connection:
        token = lease_of(connection, case_id, now=now or store.clock.now())
    return claims.close(
        store, case_id, reason, brand=brand, actor=actor, lease_token=token, now=now
    )
