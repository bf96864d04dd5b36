"""Giving waiting cases to agents who did not ask: to those signed on, on shift and with room.

Nobody gets more than their slots, whoever claims at the same moment: an agent's cases are given
under the lock that a claim takes. After it no case waits that an agent with a free slot could take.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wfm.brands import Brand
from wfm.calendars import is_open
from wfm.casequeue.claims import expire_leases
from wfm.casequeue.holding import give
from wfm.casequeue.matching import Hand, Matching
from wfm.casequeue.presence import Present, here
from wfm.cases import Case
from wfm.order import OrderKey, Waiting, late_last_for, order_key
from wfm.store import assigning, claiming, queueevents, waiting
from wfm.store.claiming import Wanted
from wfm.store.engine import Store, Writing
from wfm.store.people import level_of, skill_levels
from wfm.store.presence import last_handled
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Cases given in one transaction: claims wait no longer than that takes.
BATCH = 50

# Who had nothing to do for longer than this is as idle as can be.
IDLE_MAX = timedelta(hours=1)


@dataclass(frozen=True)
class Assigned:
    """A case that was given to an agent, and the token of its lease."""

    case: Case
    agent_id: str
    lease_token: str


def assign_waiting(
    store: Store, *, brand: Brand, actor: str, now: datetime | None = None
) -> tuple[Assigned, ...]:
    """Give the waiting cases, in the order, to agents who are signed on and have free slots.

    Does nothing for a brand whose care is not `automatic`. Each case goes to the agent with the
    smallest share of their slots taken, among these to the one who can do least else, then to the
    one idle longest. Agents get cases of the open queues of their stretch, none that needs more
    skill than they have.
    """
    if not brand.care.automatic:
        return ()
    expire_leases(store, actor=actor, now=now)
    with store.reading() as connection:
        at = now or store.clock.now()
        hands = _hands(connection, brand, at, here(connection, brand, at).values())
        if not assigning.any_waiting(connection, _wanted(hands, {})):
            return ()
    done: list[Assigned] = []
    while True:
        with store.writing(actor) as plain:
            writing = plain.on(now)
            given = _give_some(writing, brand)
        if not given:
            return tuple(done)
        done += given


def _give_some(writing: Writing, brand: Brand) -> list[Assigned]:
    """One transaction's share of it; nothing when no case waits that anybody could take."""
    hands = _locked_hands(writing, brand)
    wanted = _wanted(hands, {})
    if not wanted:
        return []
    modes = waiting.modes(writing.connection)
    wanted = _wanted(hands, modes)
    matching = Matching(hands)
    found = assigning.lock_heads(writing, wanted, limit=min(BATCH, matching.free))
    if not found:
        found = assigning.lock_one(writing, wanted)
    made = _place(matching, found, modes, writing.at)
    held = {case.case_id: case for case in found}
    given = []
    for case_id, agent_id in matching.pairs.items():
        case, token = give(writing, held[case_id], agent_id, lease_s=brand.care.lease_s)
        tell_assigned(writing, case)
        given.append(Assigned(case, agent_id, token))
    for queue, count in sorted(made.items()):
        if modes.get(queue, waiting.AS_USUAL).spike_mode:
            for _ in range(count):
                claiming.count_spike_claim(writing, queue)
    return given


def tell_assigned(writing: Writing, case: Case) -> None:
    """Tell those who listen whose the case is now; the lease's token is told to nobody else."""
    queueevents.add(
        writing,
        "case.assigned",
        queue=case.queue,
        case_id=case.case_id,
        body={
            "case_id": case.case_id,
            "agent_id": case.agent_id,
            "due_at": format_instant(case.due_at),
            "lease_until": case.lease_until and format_instant(case.lease_until),
        },
    )


def _place(
    matching: Matching,
    found: Sequence[Case],
    modes: Mapping[str, waiting.Mode],
    now: datetime,
) -> Counter[str]:
    """Place the cases in the order that so many claims would take them in; how many by queue.

    In spike mode the order of a queue changes with the number of its claims.
    """
    keys: dict[int, tuple[OrderKey, OrderKey]] = {}
    for case in found:
        put_off_s = modes.get(case.queue, waiting.AS_USUAL).put_off_s
        seen = Waiting(case.case_id, case.due_at, case.severity, case.received_at, put_off_s)
        keys[case.case_id] = (
            order_key(seen, now=now),
            order_key(seen, now=now, late_last=True),
        )
    made: Counter[str] = Counter()

    def key(case: Case) -> OrderKey:
        mode = modes.get(case.queue, waiting.AS_USUAL)
        number = mode.claims + made[case.queue] + 1
        return keys[case.case_id][late_last_for(number, spike_mode=mode.spike_mode)]

    left = list(found)
    while left and matching.free and sum(made.values()) < BATCH:
        first = min(left, key=key)
        if matching.place(first.case_id, first.queue, first.needs_level):
            made[first.queue] += 1
            left.remove(first)
        else:
            like = first.queue, first.needs_level
            left = [case for case in left if (case.queue, case.needs_level) != like]
    return made


# -- who can take what ---------------------------------------------------------------------------


def _locked_hands(writing: Writing, brand: Brand) -> tuple[Hand, ...]:
    """Those with a free slot, none of whom can claim, come or go until the transaction ends."""
    present = here(writing.connection, brand, writing.at)
    free = sorted(agent_id for agent_id, one in present.items() if one.signed_on and one.free)
    for agent_id in free:
        waiting.lock_agent(writing, agent_id)
    # Once more under the locks: they may have claimed, or gone, before.
    still = here(writing.connection, brand, writing.at)
    return _hands(writing.connection, brand, writing.at, [still[a] for a in free if a in still])


def _hands(
    connection: Connection, brand: Brand, now: datetime, present: Iterable[Present]
) -> tuple[Hand, ...]:
    able = {one.agent_id: one for one in present if one.signed_on and one.free}
    if not able:
        return ()
    open_now = [queue.name for queue in brand.queues if is_open(queue.window, now)]
    known = skill_levels(connection, able)
    handled = last_handled(connection, able, since=now - IDLE_MAX)
    hands = []
    for agent_id, one in able.items():
        skills = known.get(agent_id, {})
        levels = {queue: level_of(skills, queue) for queue in open_now if queue in one.shift.queues}
        since = one.since or now
        hands.append(
            Hand(
                agent_id=agent_id,
                slots=one.shift.slots,
                held=one.held,
                levels=levels,
                breadth=_breadth(levels, brand.care.triage.specialist_level),
                idle_since=max(since, handled.get(agent_id, since)),
            )
        )
    return tuple(hands)


def _breadth(levels: Mapping[str, int], specialist_level: int) -> int:
    """How much someone can do: queues, and once more those whose difficult cases they can take."""
    return sum(2 if level >= specialist_level else 1 for level in levels.values())


def _wanted(hands: Sequence[Hand], modes: Mapping[str, waiting.Mode]) -> tuple[Wanted, ...]:
    """The queues that somebody has room for, each with the best level there."""
    best: dict[str, int] = {}
    for hand in hands:
        for queue, level in hand.levels.items():
            best[queue] = max(level, best.get(queue, 0))
    wanted = []
    for queue in sorted(best):
        mode = modes.get(queue, waiting.AS_USUAL)
        wanted.append(Wanted(queue, best[queue], put_off_s=mode.put_off_s, counted=mode.spike_mode))
    return tuple(wanted)
