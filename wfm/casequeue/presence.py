"""Who is there: agents sign on and off, are heard of, and are let go of when they are not.

The roster says who is on shift, presence who has come. Signing on is for those who are to be given
cases without asking, and for those who want to be seen; a claim proves presence by itself, so that
an agent who never signed on may claim. Who said that they are away or gone is refused.

Every change takes the agent's lock first (`store.waiting.lock_agent`), as a claim does: no case is
given to somebody who is just leaving.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from wfm.brands import Brand
from wfm.casequeue.holding import let_go
from wfm.casequeue.watching import ACTOR
from wfm.errors import IllegalMove, NotPresent, OffShift
from wfm.store import presence as rows
from wfm.store import queueevents, staffing, standing, waiting
from wfm.store.engine import Store, Writing
from wfm.store.presence import WORD_HOLDS, AgentPresence, PresenceState
from wfm.store.staffing import OnShift
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Off shift for longer than this is no break: the shift is over.
BREAK_MAX = timedelta(hours=2)


@dataclass(frozen=True)
class Seen:
    """An agent who is on shift or signed on.

    state    None: never signed on
    is_here  on shift, and available and heard of of late, or at work on a case
    held     cases they hold
    """

    agent_id: str
    state: PresenceState | None
    since: datetime | None
    heartbeat_at: datetime | None
    shift: OnShift | None
    held: int
    is_here: bool


@dataclass(frozen=True)
class Present:
    """An agent who is there to work, with the stretch of the roster they are in.

    since      since when they are available; None: they did not sign on, but hold a case
    signed_on  whether they are to be given cases without asking
    """

    agent_id: str
    shift: OnShift
    held: int
    since: datetime | None
    signed_on: bool

    @property
    def free(self) -> int:
        """Cases they can still take."""
        return max(0, self.shift.slots - self.held)


# -- looking -------------------------------------------------------------------------------------


def may_claim(connection: Connection, agent_id: str, now: datetime) -> None:
    """NotPresent when the agent said of late that they are away or gone; says the way out.

    Says nothing about the roster. For the answer to hold until the transaction ends it is asked
    after the agent's lock was taken, in a statement of its own: on PostgreSQL one that takes the
    lock sees what was so before it waited.
    """
    word = rows.find_word(connection, agent_id, after=now - WORD_HOLDS)
    if word is None:
        return
    state, since = word
    told = "is away" if state == "away" else "has signed off"
    raise NotPresent(
        f"{agent_id} {told} since {format_instant(since)} and gets no case; sign on first",
        agent_id=agent_id,
        state=state,
        since=format_instant(since),
    )


def _binds(found: AgentPresence, now: datetime) -> bool:
    return found.is_their_word and now - found.since < WORD_HOLDS


def shift_of(connection: Connection, agent_id: str, at: datetime) -> OnShift:
    """The stretch of the roster in force that the agent is in; OffShift says when the next is."""
    shift = staffing.on_shift_at(connection, agent_id, at)
    if shift is not None:
        return shift
    if staffing.current_plan_id(connection) is None:
        raise OffShift(
            "no roster is published, so nobody is on shift; run `wfm plan`, then "
            "`wfm publish latest`",
            agent_id=agent_id,
            next_start=None,
        )
    coming = staffing.next_on_shift(connection, agent_id, at)
    when = (
        f"next on shift at {format_instant(coming.start)}"
        if coming
        else "the published roster has no later shift of theirs"
    )
    raise OffShift(
        f"{agent_id} is not on shift at {format_instant(at)}; {when}",
        agent_id=agent_id,
        next_start=format_instant(coming.start) if coming else None,
    )


def everybody(connection: Connection, brand: Brand, now: datetime) -> tuple[Seen, ...]:
    """Everybody who is on shift or signed on, by agent."""
    shifts = {shift.agent_id: shift for shift in staffing.all_on_shift_at(connection, now)}
    known = rows.all_presence(connection)
    held = standing.held_by_agent(connection, now)
    signed_on = {agent_id for agent_id, one in known.items() if one.state != "off"}
    seen = []
    for agent_id in sorted(signed_on | shifts.keys()):
        one, shift = known.get(agent_id), shifts.get(agent_id)
        seen.append(
            Seen(
                agent_id=agent_id,
                state=one.state if one else None,
                since=one.since if one else None,
                heartbeat_at=one.heartbeat_at if one else None,
                shift=shift,
                held=held.get(agent_id, 0),
                is_here=shift is not None
                and _is_here(one, held.get(agent_id, 0), brand.care.heartbeat_s, now),
            )
        )
    return tuple(seen)


def _is_here(one: AgentPresence | None, held: int, heartbeat_s: int, now: datetime) -> bool:
    if one is not None and one.state == "available":
        return not _is_silent(one, heartbeat_s, now)
    # They claim without having signed on.
    return held > 0 and (one is None or not _binds(one, now))


def _is_silent(one: AgentPresence, heartbeat_s: int, now: datetime) -> bool:
    return now - one.heartbeat_at > timedelta(seconds=heartbeat_s)


def here(connection: Connection, brand: Brand, now: datetime) -> dict[str, Present]:
    """Who is there to work now, by agent: on shift, and signed on or at work on a case."""
    return {
        seen.agent_id: Present(
            agent_id=seen.agent_id,
            shift=seen.shift,
            held=seen.held,
            since=seen.since if seen.state == "available" else None,
            signed_on=seen.state == "available",
        )
        for seen in everybody(connection, brand, now)
        if seen.is_here and seen.shift is not None
    }


# -- saying --------------------------------------------------------------------------------------


def sign_on(
    store: Store, agent_id: str, *, actor: str, now: datetime | None = None
) -> AgentPresence:
    """The agent is there and available; also when they come back from being away.

    OffShift when the roster does not have them now; it says when it has.
    """
    with store.writing(actor) as plain:
        writing = plain.on(now)
        waiting.lock_agent(writing, agent_id)
        shift_of(writing.connection, agent_id, writing.at)
        return _enter(writing, agent_id, "available")


def away(store: Store, agent_id: str, *, actor: str, now: datetime | None = None) -> AgentPresence:
    """The agent is away for a while: they keep what they hold and get nothing new.

    IllegalMove when they are not signed on.
    """
    with store.writing(actor) as plain:
        writing = plain.on(now)
        waiting.lock_agent(writing, agent_id)
        _signed_on(writing, agent_id)
        return _enter(writing, agent_id, "away")


def sign_off(
    store: Store, agent_id: str, *, actor: str, now: datetime | None = None
) -> AgentPresence:
    """The agent goes; what they hold waits again. Twice is as good as once.

    IllegalMove when they never signed on.
    """
    with store.writing(actor) as plain:
        writing = plain.on(now)
        waiting.lock_agent(writing, agent_id)
        before = rows.find_presence(writing.connection, agent_id)
        if before is None:
            raise _not_signed_on(agent_id, before)
        _let_go_of(writing, agent_id, "signed off")
        return _enter(writing, agent_id, "off")


def heartbeat(
    store: Store, agent_id: str, *, actor: str, now: datetime | None = None
) -> AgentPresence:
    """The agent is still there. Who was given up for their silence is available again.

    IllegalMove when they never signed on or have signed off; OffShift when they were given up and
    are off shift by now.
    """
    with store.writing(actor) as plain:
        writing = plain.on(now)
        waiting.lock_agent(writing, agent_id)
        before = rows.find_presence(writing.connection, agent_id)
        if before is not None and before.state == "off" and not before.is_their_word:
            shift_of(writing.connection, agent_id, writing.at)
            return _enter(writing, agent_id, "available")
        found = _signed_on(writing, agent_id)
        rows.touch_presence(writing, agent_id)
        return replace(found, heartbeat_at=writing.at)


def expire_presence(store: Store, *, brand: Brand, now: datetime | None = None) -> tuple[str, ...]:
    """Sign off who was not heard of for `care.heartbeat_s`, and whose shift is over; gives them.

    What the silent hold waits again. Whoever still works on a case after their shift is left alone
    until it is done.
    """
    at = now or store.clock.now()
    with store.reading() as connection:
        working = {shift.agent_id for shift in staffing.all_on_shift_at(connection, at)}
        gone = [
            one.agent_id
            for one in rows.all_presence(connection).values()
            if _why_gone(connection, one, brand, at, on_shift=one.agent_id in working)
        ]
    done = []
    for agent_id in gone:
        with store.writing(ACTOR) as plain:
            writing = plain.on(at)
            waiting.lock_agent(writing, agent_id)
            # Once more under the lock: they may have been heard of meanwhile.
            one = rows.find_presence(writing.connection, agent_id)
            on_shift = agent_id in working
            why = one and _why_gone(writing.connection, one, brand, at, on_shift=on_shift)
            if why:
                _let_go_of(writing, agent_id, why, expired=True)
                _enter(writing, agent_id, "off", why=why)
                done.append(agent_id)
    return tuple(done)


def _why_gone(
    connection: Connection, one: AgentPresence, brand: Brand, at: datetime, *, on_shift: bool
) -> str:
    """Why someone who is signed on is not there any more, in words; "" when they are."""
    if one.state == "off":
        return ""
    if _is_silent(one, brand.care.heartbeat_s, at):
        return f"not heard of since {format_instant(one.heartbeat_at)}"
    if not on_shift and _is_over(connection, one.agent_id, at):
        return "the shift is over"
    return ""


def _is_over(connection: Connection, agent_id: str, at: datetime) -> bool:
    coming = staffing.next_on_shift(connection, agent_id, at)
    if coming is not None and coming.start - at <= BREAK_MAX:
        return False
    return not rows.held_cases(connection, agent_id, now=at)


def _signed_on(writing: Writing, agent_id: str) -> AgentPresence:
    found = rows.find_presence(writing.connection, agent_id)
    if found is None or found.state == "off":
        raise _not_signed_on(agent_id, found)
    return found


def _not_signed_on(agent_id: str, found: AgentPresence | None) -> IllegalMove:
    last = f" since {format_instant(found.since)}" if found else ""
    return IllegalMove(
        f"{agent_id} is not signed on{last}; sign on first", agent_id=agent_id, state="off"
    )


def _let_go_of(writing: Writing, agent_id: str, why: str, *, expired: bool = False) -> None:
    how: Literal["expired", "released"] = "expired" if expired else "released"
    for case in rows.lock_held(writing, agent_id):
        let_go(writing, case, kind=how, ended_by=how, text=why)


def _enter(
    writing: Writing, agent_id: str, state: PresenceState, *, why: str = ""
) -> AgentPresence:
    """Come into a state; `why` says who concluded it, and is empty for the agent's own word."""
    before = rows.find_presence(writing.connection, agent_id)
    heard = before.heartbeat_at if before is not None and why else writing.at
    if before is not None and before.state == state:
        after = replace(before, heartbeat_at=heard)
        rows.touch_presence(writing, agent_id)
        return after
    after = AgentPresence(agent_id, state, writing.at, heard)
    rows.save_presence(writing, after, before)
    queueevents.add(
        writing,
        "presence.changed",
        body={
            "agent_id": agent_id,
            "state": state,
            "before": before.state if before else "off",
            "why": why or "said so",
        },
    )
    return after
