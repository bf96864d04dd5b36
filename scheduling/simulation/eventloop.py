"""The compiled event loop: one path of arrivals answered by agents who come and go.

Message level. A case opens with a first message; after each reply the customer may write again,
and the new message waits like any other. An agent answers one message at a time, in the order of
`wfm.order`, among the open queues they serve, and finishes what they have in hand when their span
ends.

A parked conversation is with nobody between two messages. A held one stays with its agent, who
keeps at most so many of them: what its customer writes waits for that agent, beside the queue and
in the same order. When the agent goes, or the queue shuts, it is everybody's again.

Events at the same instant are taken in the order: agents come and go, queues open and close, agents
get free, customers write again, cases arrive. Times are seconds from the start of the horizon.
"""

# Compiled code takes arrays one by one, and one loop that calls little is what makes it quick. What
# it calls stands in this file, for numba does not notice a change in another one.
# ruff: noqa: PLR0912, PLR0915, PLR0917

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from scheduling.simulation.draws import (
    AGAIN,
    DRAWS,
    HANDLING,
    INTERVAL,
    THINK,
    Floats,
    Keys,
    Wholes,
    duration_draw,
    uniform,
)

Places = NDArray[np.int32]
Flags = NDArray[np.bool_]
Function = TypeVar("Function", bound=Callable[..., object])

# Columns of a queue's law: natural-log mean and deviation of the lognormals, chance, promises.
FIRST_MU, FIRST_SIGMA, FOLLOW_MU, FOLLOW_SIGMA, THINK_MU, THINK_SIGMA = range(6)
# Work after the first reply is sent, before the agent is free; a mu of NOTHING means none.
AFTER_MU, AFTER_SIGMA = 6, 7
NOTHING = -np.inf
CONTINUE_P, FIRST_DUE_S, OPENING_DUE_S, FOLLOW_DUE_S = 8, 9, 10, 11
# Conversations an agent holds at most; 0 where they are parked.
HOLD = 12
LAW_COLUMNS = 13

# What a line counts, and how a message of it can end.
FIRST, OPENING, NEXT, RESOLUTION = range(4)
ON_TIME, LATE, OVERDUE = range(3)

# Classes of a queue's messages: within one, what comes later is due later.
CLASSES = 3
FIRST_CLASS, FOLLOW_CLASS, OPENING_CLASS = range(CLASSES)

ONE = np.uint64(1)
NEVER = 1e18
NOBODY = -1
# Sums of seconds compared with a threshold: below any clock's tick.
TICK = 1e-6
# First-response times are counted by the minute up to a day, and beyond it in one more place.
REPLY_BIN_S = 60.0
REPLY_BINS = 24 * 60 + 1
# Room of the agenda: the busiest interval has about one event in each of its slots.
SLOTS = 4096
CURSOR, COUNT = range(2)


class Cases(NamedTuple):
    """The cases of a path, by arrival.

    work   seconds until the first reply is sent
    after  seconds of work after it before the agent is free; empty for none
    """

    arrival: Floats
    queue: Places
    severity: NDArray[np.int8]
    keys: Keys
    work: Floats
    after: Floats


class Rules(NamedTuple):
    """What is promised, and in what order messages are answered.

    scale       (intervals, queues): factor on the handling of cases that arrive there
    law         (queues, LAW_COLUMNS)
    windows     (3, spans): opens, shuts, open seconds before; those of queue q are the columns
                window_of[q] to window_of[q + 1]
    switches    (n, 3): instant, queue, 1 opens or 0 shuts; by time
    lines       (n, 2): what is counted, threshold; those of queue q are the rows
                line_of[q] to line_of[q + 1]
    late_every  per queue: 0, or in spike mode n: all but every n-th claim pass over lost cases
    lost_s      in spike mode a case is lost when it is due in less than this
    fifo        messages in the order they come, in place of the live queue's order
    """

    scale: Floats
    law: Floats
    windows: Floats
    window_of: Wholes
    switches: Floats
    lines: Floats
    line_of: Wholes
    late_every: Wholes
    lost_s: float
    fifo: bool


class Crew(NamedTuple):
    """Who is there: instants, agents and groups from `draw_presence`.

    masks   queues of each group, a bit a queue; groups with few queues first
    agents  how many there are
    """

    at: Floats
    who: Wholes
    group: Wholes
    masks: Keys
    agents: int


class Tally(NamedTuple):
    """What the loop fills.

    outcomes       (intervals, lines, 3): by the arrival of the case, NEXT by that of the message
    backlog        (intervals, queues): messages waiting at the interval's end
    first_backlog  (intervals, queues): those of them that wait for a first reply
    busy           (queues, intervals): seconds at work
    present        (intervals): agents' seconds on queue
    overrun        (intervals): seconds at work on a message in hand when the agent's span ended
    replies        (queues, REPLY_BINS): first replies by the open minutes they took, and in the
                   last place those that are still waiting past due
    first_start    per case: when its first message was begun; -1 if it was not
    """

    outcomes: Places
    backlog: Places
    first_backlog: Places
    busy: Floats
    present: Floats
    overrun: Floats
    replies: Wholes
    first_start: Floats


class Talks(NamedTuple):
    """What the loop remembers of cases; what nobody uses takes no memory.

    home                interval of arrival
    received, due       when the last message came and is due
    open_wait, message  our share of the time to resolution so far, open seconds; its number
    opening, waits, resolved  came before an opening; waits now; has got its last reply
    holder, hold_stint  who holds the conversation, in which of their stints
    behind              the case behind it in a list
    """

    home: Places
    received: Floats
    due: Floats
    open_wait: Floats
    message: Places
    opening: Flags
    waits: Flags
    resolved: Flags
    holder: Places
    hold_stint: Places
    behind: Places


class Lists(NamedTuple):
    """What the loop remembers of queues.

    always      open throughout
    head, tail  first and last of the waiting messages of each queue and class, in their order
    late_*      the lost ones of them in spike mode
    waiting, first_waiting, owned  messages that wait for anybody, those of them that wait for a
                first reply, messages that wait for the holder of the conversation
    """

    always: Flags
    head: Places
    tail: Places
    late_head: Places
    late_tail: Places
    waiting: Wholes
    first_waiting: Wholes
    owned: Wholes
    claims: Wholes
    is_open: Flags


class Team(NamedTuple):
    """What the loop remembers of agents, and its agenda.

    came, went  when their stint, from coming to going, began; when the last one ended
    held, hand  conversations they hold; the case they work on
    own_*       messages that wait for them
    idle_*      idle agents by group and conversations held, doubly linked
    slots, at, later, mark  see `_note`; agents who get free, then cases that come back
    """

    is_busy: Flags
    is_on: Flags
    came: Floats
    went: Floats
    group: Wholes
    held: Places
    stint: Places
    hand: Places
    own_head: Places
    own_tail: Places
    idle: Places
    idle_next: Places
    idle_last: Places
    slots: Places
    at: Floats
    later: Places
    mark: Wholes


def inner(function: Function) -> Function:
    """Compiles what only `serve` calls, without numba's counting of references to arrays.

    The counting costs several times the work of a function as small as these. They can make no
    arrays for it.
    """
    options: dict[str, Any] = {"cache": True, "nogil": True, "_nrt": False}
    return cast("Function", njit(**options)(function))


@inner
def _span_at(windows: Floats, first: int, last: int, t: float) -> int:
    """The last of the spans [first, last) that opens at or before `t`; first - 1 if none does."""
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if windows[0, middle] <= t:
            low = middle + 1
        else:
            high = middle
    return low - 1


@inner
def _open_before(windows: Floats, first: int, last: int, t: float) -> float:
    """Open seconds before `t`."""
    k = _span_at(windows, first, last, t)
    if k < first:
        return 0.0
    return float(windows[2, k] + min(t, windows[1, k]) - windows[0, k])


@inner
def _after_open(windows: Floats, first: int, last: int, t: float, seconds: float) -> float:
    """The instant at which `seconds` of open time have passed since `t`; NEVER past the spans."""
    total = _open_before(windows, first, last, t) + seconds
    for k in range(max(_span_at(windows, first, last, t), first), last):
        if windows[2, k] + windows[1, k] - windows[0, k] >= total:
            return float(windows[0, k] + total - windows[2, k])
    return NEVER


@inner
def _spread(out: Floats, row: int, i: int, begin: float, end: float) -> None:
    """Adds the seconds of [begin, end), which begins in interval `i`, to those it lies in."""
    while begin < end and i < out.shape[1]:
        until = min(end, (i + 1) * INTERVAL)
        out[row, i] += until - begin
        begin = until
        i += 1


@inner
def _before(a: int, b: int, rank: Floats, severity: NDArray[np.int8], received: Floats) -> bool:
    """Whether case `a` is answered before `b`: the key of `wfm.order` without the late flag."""
    if rank[a] != rank[b]:
        return bool(rank[a] < rank[b])
    if severity[a] != severity[b]:
        return bool(severity[a] > severity[b])
    if received[a] != received[b]:
        return bool(received[a] < received[b])
    return a < b


@inner
def _line_up(
    head: Places,
    tail: Places,
    behind: Places,
    line: int,
    case: int,
    rank: Floats,
    severity: NDArray[np.int8],
    received: Floats,
) -> None:
    """Puts a case in its place of a sorted list: nearly always the end."""
    behind[case] = NOBODY
    last = tail[line]
    if last == NOBODY:
        head[line] = tail[line] = case
    elif _before(last, case, rank, severity, received):
        behind[last] = tail[line] = case
    elif _before(case, head[line], rank, severity, received):
        behind[case], head[line] = head[line], case
    else:
        place = head[line]
        while _before(behind[place], case, rank, severity, received):
            place = behind[place]
        behind[case], behind[place] = behind[place], case


@inner
def _leave(head: Places, tail: Places, behind: Places, line: int) -> None:
    """Takes the first of a list out."""
    head[line] = behind[head[line]]
    if head[line] == NOBODY:
        tail[line] = NOBODY


@inner
def _note(
    slots: Places, after: Places, at: Floats, mark: Wholes, rate: float, item: int, agents: int
) -> None:
    """Enters an item in the agenda at its time; agents come before cases at the same instant.

    A calendar queue (Brown 1988): a ring of slots, each `1 / rate` seconds of every turn, with its
    items in order of time. One item a slot makes entering and taking take the same short time
    however many there are.
    """
    number = int(at[item] * rate)
    slot = number & (SLOTS - 1)
    place, other = NOBODY, slots[slot]
    while other != NOBODY and (
        at[other] < at[item] or (at[other] == at[item] and other < agents <= item)
    ):
        place, other = other, after[other]
    after[item] = other
    if place == NOBODY:
        slots[slot] = item
    else:
        after[place] = item
    mark[COUNT] += 1
    mark[CURSOR] = min(mark[CURSOR], number)


@inner
def _soonest(slots: Places, at: Floats, mark: Wholes, rate: float) -> int:
    """The earliest item of the agenda, first in the slot of the cursor; NOBODY when it is empty."""
    if mark[COUNT] == 0:
        return NOBODY
    number = mark[CURSOR]
    while True:
        item = slots[number & (SLOTS - 1)]
        if item != NOBODY and int(at[item] * rate) <= number:
            mark[CURSOR] = number
            return int(item)
        number += 1


@inner
def _rise(idle: Places, following: Places, previous: Places, place: int, agent: int) -> None:
    """Takes an agent out of a list of idle ones."""
    if idle[place] == agent:
        idle[place] = following[agent]
    else:
        following[previous[agent]] = following[agent]
    if following[agent] != NOBODY:
        previous[following[agent]] = previous[agent]


@inner
def _sink(idle: Places, following: Places, previous: Places, place: int, agent: int) -> None:
    """Puts an agent first in a list of idle ones."""
    following[agent], previous[agent] = idle[place], NOBODY
    if idle[place] != NOBODY:
        previous[idle[place]] = agent
    idle[place] = agent


@inner
def _spread_one(out: Floats, begin: float, end: float) -> None:
    """`_spread` into (intervals)."""
    i = int(begin / INTERVAL)
    while begin < end and i < out.size:
        until = min(end, (i + 1) * INTERVAL)
        out[i] += until - begin
        begin = until
        i += 1


@njit(cache=True, nogil=True)
def _room(cases: Cases, rules: Rules, crew: Crew, horizon: float) -> tuple[Talks, Lists, Team]:
    """Room for a run, as it is before anything happens."""
    law, windows, window_of = rules.law, rules.windows, rules.window_of
    count, queues, agents = cases.arrival.size, law.shape[0], crew.agents
    levels = 1 + int(law[:, HOLD].max())
    returning = count if (law[:, CONTINUE_P] > 0.0).any() else 0
    holding, holders = (count, agents) if levels > 1 else (0, 0)
    always = np.zeros(queues, np.bool_)
    for q in range(queues):
        first = window_of[q]
        if window_of[q + 1] == first + 1 and windows[0, first] <= 0.0:
            always[q] = windows[1, first] >= horizon
    none = np.full(queues * CLASSES, NOBODY, np.int32)
    talks = Talks(
        home=np.empty(count, np.int32),
        received=cases.arrival.copy() if returning else cases.arrival,
        due=np.empty(count),
        open_wait=np.zeros(returning),
        message=np.zeros(returning, np.int32),
        opening=np.zeros(count, np.bool_),
        waits=np.zeros(count, np.bool_),
        resolved=np.zeros(count, np.bool_),
        holder=np.full(holding, NOBODY, np.int32),
        hold_stint=np.empty(holding, np.int32),
        behind=np.empty(count, np.int32),
    )
    lists = Lists(
        always=always,
        head=none,
        tail=none.copy(),
        late_head=none.copy(),
        late_tail=none.copy(),
        waiting=np.zeros(queues, np.int64),
        first_waiting=np.zeros(queues, np.int64),
        owned=np.zeros(queues, np.int64),
        claims=np.zeros(queues, np.int64),
        is_open=np.zeros(queues, np.bool_),
    )
    team = Team(
        is_busy=np.zeros(agents, np.bool_),
        is_on=np.zeros(agents, np.bool_),
        came=np.zeros(agents),
        went=np.zeros(agents),
        group=np.zeros(agents, np.int64),
        held=np.zeros(agents, np.int32),
        stint=np.zeros(agents, np.int32),
        hand=np.empty(agents, np.int32),
        own_head=np.full(holders, NOBODY, np.int32),
        own_tail=np.full(holders, NOBODY, np.int32),
        idle=np.full(crew.masks.size * levels, NOBODY, np.int32),
        idle_next=np.empty(agents, np.int32),
        idle_last=np.empty(agents, np.int32),
        slots=np.full(SLOTS, NOBODY, np.int32),
        at=np.empty(agents + returning),
        later=np.empty(agents + returning, np.int32),
        mark=np.zeros(2, np.int64),
    )
    return talks, lists, team


@inner
def _events_a_second(arrival: Floats) -> float:
    """Twice the arrivals of the busiest interval: they come, and somebody gets free."""
    busiest, begin, until = 1, 0, INTERVAL
    for c in range(arrival.size):
        while arrival[c] >= until:
            until += INTERVAL
            begin = c
        busiest = max(busiest, c + 1 - begin)
    return 2.0 * busiest / INTERVAL


@inner
def _answer(
    cases: Cases, rules: Rules, crew: Crew, tally: Tally, talks: Talks, lists: Lists, team: Team
) -> int:
    """The loop itself: everything up to the horizon."""
    arrival, queue, severity, keys = cases.arrival, cases.queue, cases.severity, cases.keys
    law, windows, window_of, fifo = rules.law, rules.windows, rules.window_of, rules.fifo
    switches, lines, line_of = rules.switches, rules.lines, rules.line_of
    late_every, lost_s = rules.late_every, rules.lost_s
    comes_at, masks, agents = crew.at, crew.masks, crew.agents
    outcomes, busy, present, overrun = tally.outcomes, tally.busy, tally.present, tally.overrun
    backlog, first_backlog = tally.backlog, tally.first_backlog
    replies, first_start = tally.replies, tally.first_start
    first_work, after_work, scale = cases.work, cases.after, rules.scale
    comes_who, comes_group = crew.who, crew.group
    queues, horizon, count = law.shape[0], outcomes.shape[0] * INTERVAL, arrival.size

    always = lists.always
    home_of = talks.home
    received = talks.received
    due = talks.due
    open_wait = talks.open_wait
    message = talks.message
    opening = talks.opening
    waits = talks.waits
    resolved = talks.resolved
    holder = talks.holder
    hold_stint = talks.hold_stint
    behind = talks.behind
    head = lists.head
    tail = lists.tail
    late_head = lists.late_head
    late_tail = lists.late_tail
    waiting = lists.waiting
    first_waiting = lists.first_waiting
    owned = lists.owned
    claims = lists.claims
    is_open = lists.is_open
    is_busy = team.is_busy
    is_on = team.is_on
    came = team.came
    went = team.went
    group = team.group
    held = team.held
    stint = team.stint
    hand = team.hand
    own_head = team.own_head
    own_tail = team.own_tail
    idle = team.idle
    idle_next = team.idle_next
    idle_last = team.idle_last
    slots = team.slots
    at = team.at
    later = team.later
    mark = team.mark

    rank = received if fifo else due  # what waiting messages are sorted by
    again_any, hold_any, spike_any = message.size > 0, holder.size > 0, False
    for q in range(queues):
        spike_any |= late_every[q] > 0
    levels = idle.size // max(masks.size, 1)
    rate = _events_a_second(arrival)
    ready = np.uint64(0)  # queues that are open and have somebody waiting
    idle_count = 0
    soon, soon_at, soon_known = NOBODY, NEVER, True
    next_case, next_come, next_switch, now = 0, 0, 0, 0
    interval_end = INTERVAL
    change_at, change = NEVER, -1
    look_ahead = True
    begun = 0
    while True:
        # The earliest event; on a tie the first of this list.
        if look_ahead:
            change_at, change, look_ahead = NEVER, -1, False
            if next_come < comes_at.size:
                change_at, change = comes_at[next_come], 0
            if next_switch < switches.shape[0] and switches[next_switch, 0] < change_at:
                change_at, change = switches[next_switch, 0], 1
        if not soon_known:
            soon = _soonest(slots, at, mark, rate)
            soon_at = at[soon] if soon != NOBODY else NEVER
            soon_known = True
        t, kind = change_at, change
        if soon_at < t:
            t, kind = soon_at, 2 if soon < agents else 3
        if next_case < count and arrival[next_case] < t:
            t, kind = arrival[next_case], 4
        while interval_end <= t and now < outcomes.shape[0]:
            for q in range(queues):
                backlog[now, q] = waiting[q] + owned[q]
                first_backlog[now, q] = first_waiting[q]
            now += 1
            interval_end = (now + 1) * INTERVAL
        if kind < 0 or t >= horizon:
            break

        # Who may now claim: one agent who got free, or idle ones for queues that have news.
        agent, news = NOBODY, np.uint64(0)
        release_from, release_to, release_queue = 0, 0, -1
        if kind == 0:
            who, which = int(comes_who[next_come]), comes_group[next_come]
            next_come += 1
            look_ahead = True
            if which >= 0:
                is_on[who], group[who], came[who] = True, which, t
                if is_busy[who]:
                    _spread_one(overrun, went[who], t)
                else:
                    agent = who
            else:
                is_on[who], went[who] = False, t
                _spread_one(present, came[who], t)
                if not is_busy[who]:
                    place = group[who] * levels + held[who]
                    _rise(idle, idle_next, idle_last, place, who)
                    idle_count -= 1
                stint[who] += 1
                held[who] = 0
                if hold_any:
                    release_from, release_to = who, who + 1
        elif kind == 1:
            q = int(switches[next_switch, 1])
            bit = ONE << np.uint64(q)
            is_open[q] = switches[next_switch, 2] > 0.0
            next_switch += 1
            look_ahead = True
            if not is_open[q]:
                ready &= ~bit
                if hold_any and law[q, HOLD] > 0.0:
                    release_to, release_queue = agents, q
            elif waiting[q] > 0:
                ready |= bit
                news = bit
        elif kind == 2:
            who = soon
            slots[mark[CURSOR] & (SLOTS - 1)] = later[who]
            mark[COUNT] -= 1
            soon_known = False
            is_busy[who] = False
            if hold_any:
                case = hand[who]
                if resolved[case] and holder[case] == who and hold_stint[case] == stint[who]:
                    held[who] -= 1
            if is_on[who]:
                agent = who
            else:
                _spread_one(overrun, went[who], t)
        else:
            if kind == 3:
                case = soon - agents
                slots[mark[CURSOR] & (SLOTS - 1)] = later[soon]
                mark[COUNT] -= 1
                soon_known = False
                message[case] += 1
                received[case] = t
                of_class = FOLLOW_CLASS
            else:
                case = next_case
                home_of[case] = now
                next_case += 1
                of_class = FIRST_CLASS
            q = queue[case]
            first, last = window_of[q], window_of[q + 1]
            allowed = law[q, FIRST_DUE_S if kind == 4 else FOLLOW_DUE_S]
            if always[q]:
                due[case] = t + allowed
            elif kind == 3 or is_open[q]:
                due[case] = _after_open(windows, first, last, t, allowed)
            else:
                k = _span_at(windows, first, last, t) + 1
                opening[case] = True
                of_class = OPENING_CLASS
                due[case] = windows[0, k] + law[q, OPENING_DUE_S] if k < last else NEVER
            waits[case] = True
            who = NOBODY
            if hold_any and kind == 3 and holder[case] != NOBODY:
                who = holder[case]
                if hold_stint[case] != stint[who]:
                    holder[case], who = NOBODY, NOBODY
                elif not is_open[q]:
                    # Nobody's until the queue opens; an idle holder has a place for another.
                    if not is_busy[who]:
                        _rise(idle, idle_next, idle_last, group[who] * levels + held[who], who)
                        idle_count -= 1
                        agent = who
                    held[who] -= 1
                    holder[case], who = NOBODY, NOBODY
            if who != NOBODY:
                _line_up(own_head, own_tail, behind, who, case, rank, severity, received)
                owned[q] += 1
                if not is_busy[who]:
                    _rise(idle, idle_next, idle_last, group[who] * levels + held[who], who)
                    idle_count -= 1
                    agent = who
            else:
                line = q * CLASSES + of_class
                _line_up(head, tail, behind, line, case, rank, severity, received)
                waiting[q] += 1
                if kind == 4:
                    first_waiting[q] += 1
                if is_open[q]:
                    news = ONE << np.uint64(q)
                    ready |= news

        for who in range(release_from, release_to):
            # Conversations whose customers wait are everybody's: all, or those of a shut queue.
            case, own_head[who], own_tail[who] = own_head[who], NOBODY, NOBODY
            while case != NOBODY:
                following, q = behind[case], queue[case]
                if release_queue >= 0 and q != release_queue:
                    _line_up(own_head, own_tail, behind, who, case, rank, severity, received)
                else:
                    if release_queue >= 0:
                        held[who] -= 1
                    holder[case] = NOBODY
                    line = q * CLASSES + FOLLOW_CLASS
                    _line_up(head, tail, behind, line, case, rank, severity, received)
                    owned[q] -= 1
                    waiting[q] += 1
                    if is_open[q]:
                        ready |= ONE << np.uint64(q)
                        news |= ONE << np.uint64(q)
                case = following

        while True:
            if agent == NOBODY:
                news &= ready
                if news == 0 or idle_count == 0:
                    break
                # An idle agent with the fewest other queues, and then the fewest conversations.
                q = 0
                while not (news >> np.uint64(q)) & ONE:
                    q += 1
                most = int(law[q, HOLD]) if law[q, HOLD] > 0.0 else levels
                for g in range(masks.size):
                    if (masks[g] >> np.uint64(q)) & ONE:
                        for level in range(most):
                            agent = idle[g * levels + level]
                            if agent != NOBODY:
                                break
                        if agent != NOBODY:
                            break
                if agent == NOBODY:
                    news &= ~(ONE << np.uint64(q))
                    continue
                _rise(idle, idle_next, idle_last, group[agent] * levels + held[agent], agent)
                idle_count -= 1

            # The first in the order of `wfm.order`, of the queues' messages and the agent's own.
            case, chosen_q, chosen_line, is_late, from_late = NOBODY, -1, -1, False, False
            if hold_any and own_head[agent] != NOBODY:
                case = own_head[agent]
                chosen_q = queue[case]
                spares = late_every[chosen_q] > 0 and (
                    (claims[chosen_q] + 1) % late_every[chosen_q] != 0
                )
                is_late = spares and due[case] <= t + lost_s
            rest, q = masks[group[agent]] & ready, -1
            while rest:
                q += 1
                mine = rest & ONE
                rest >>= ONE
                if not mine or (hold_any and 0.0 < law[q, HOLD] <= held[agent]):
                    continue
                spares = late_every[q] > 0 and (claims[q] + 1) % late_every[q] != 0
                classes = CLASSES if not always[q] else 2 if again_any else 1
                for line in range(q * CLASSES, q * CLASSES + classes):
                    if spares:
                        while head[line] != NOBODY and due[head[line]] <= t + lost_s:
                            lost = head[line]
                            _leave(head, tail, behind, line)
                            _line_up(
                                late_head, late_tail, behind, line, lost, rank, severity, received
                            )
                    other = head[line]
                    if other != NOBODY and (
                        case == NOBODY or is_late or _before(other, case, rank, severity, received)
                    ):
                        case, chosen_q, chosen_line = other, q, line
                        is_late, from_late = False, False
                    if not spike_any:
                        continue
                    other = late_head[line]
                    if other != NOBODY and (
                        case == NOBODY
                        or (is_late and not spares)
                        or (is_late == spares and _before(other, case, rank, severity, received))
                    ):
                        case, chosen_q, chosen_line = other, q, line
                        is_late, from_late = spares, True
            if case == NOBODY:
                _sink(idle, idle_next, idle_last, group[agent] * levels + held[agent], agent)
                idle_count += 1
                break

            q = chosen_q
            if chosen_line < 0:
                _leave(own_head, own_tail, behind, agent)
                owned[q] -= 1
            else:
                if from_late:
                    _leave(late_head, late_tail, behind, chosen_line)
                else:
                    _leave(head, tail, behind, chosen_line)
                waiting[q] -= 1
                if waiting[q] == 0:
                    ready &= ~(ONE << np.uint64(q))
                claims[q] += 1
            begun += 1
            waits[case] = False
            home = home_of[case]
            number = message[case] if again_any else 0
            if number == 0:
                first_waiting[q] -= 1
                first_start[case] = t
                reply = t + first_work[case]
                free_at = reply + after_work[case] if after_work.size > 0 else reply
            else:
                work = duration_draw(
                    keys[case], DRAWS * number + HANDLING, law[q, FOLLOW_MU], law[q, FOLLOW_SIGMA]
                )
                reply = t + work * scale[home, q]
                free_at = reply
            at[agent], is_busy[agent] = free_at, True
            _note(slots, later, at, mark, rate, agent, agents)
            if soon_known and free_at <= soon_at:
                soon, soon_at = agent, free_at
                mark[CURSOR] = int(free_at * rate)
            _spread(busy, q, now, t, free_at)

            if always[q]:
                taken = reply - received[case]
            else:
                first, last = window_of[q], window_of[q + 1]
                taken = _open_before(windows, first, last, reply) - _open_before(
                    windows, first, last, received[case]
                )
            again = False
            total = taken
            if again_any:
                open_wait[case] += taken
                total = open_wait[case]
                key = keys[case]
                again = uniform(key, DRAWS * number + AGAIN) < law[q, CONTINUE_P]
                if again:
                    returns = reply + duration_draw(
                        key, DRAWS * number + THINK, law[q, THINK_MU], law[q, THINK_SIGMA]
                    )
                    if returns < horizon:
                        item = agents + case
                        at[item] = returns
                        _note(slots, later, at, mark, rate, item, agents)
                        if soon_known and returns < soon_at:
                            soon, soon_at = item, returns
                            mark[CURSOR] = int(returns * rate)
            resolved[case] = not again
            if hold_any:
                hand[agent] = case
                if law[q, HOLD] > 0.0 and (chosen_line >= 0):
                    holder[case], hold_stint[case] = agent, stint[agent]
                    held[agent] += 1

            if number == 0:
                replies[q, min(int(taken / REPLY_BIN_S), REPLY_BINS - 1)] += 1
            for line in range(line_of[q], line_of[q + 1]):
                what, threshold = int(lines[line, 0]), lines[line, 1] + TICK
                if what == FIRST:
                    if number == 0 and not opening[case]:
                        outcomes[home, line, ON_TIME if taken <= threshold else LATE] += 1
                elif what == OPENING:
                    if number == 0 and opening[case]:
                        outcomes[home, line, ON_TIME if reply <= due[case] else LATE] += 1
                elif what == NEXT:
                    if number > 0:
                        i = int(received[case] / INTERVAL)
                        outcomes[i, line, ON_TIME if taken <= threshold else LATE] += 1
                elif not again:
                    outcomes[home, line, ON_TIME if total <= threshold else LATE] += 1
            agent = NOBODY

    for who in range(agents):
        if is_on[who]:
            _spread_one(present, came[who], horizon)
        elif is_busy[who]:
            _spread_one(overrun, went[who], at[who])
    return begun


@inner
def _judge_the_rest(cases: Cases, rules: Rules, tally: Tally, talks: Talks) -> None:
    """Counts what is still waiting, or not resolved, past its due time at the horizon."""
    arrival, queue, lines, line_of = cases.arrival, cases.queue, rules.lines, rules.line_of
    windows, window_of, outcomes = rules.windows, rules.window_of, tally.outcomes
    received, due, opening, waits = talks.received, talks.due, talks.opening, talks.waits
    open_wait, message, resolved = talks.open_wait, talks.message, talks.resolved
    horizon, again_any = outcomes.shape[0] * INTERVAL, talks.message.size > 0
    for case in range(arrival.size):
        q = queue[case]
        if resolved[case]:
            continue
        pending, done, number = 0.0, 0.0, 0
        if again_any:
            done, number = open_wait[case], message[case]
        first, last = window_of[q], window_of[q + 1]
        if waits[case]:
            pending = _open_before(windows, first, last, horizon) - _open_before(
                windows, first, last, received[case]
            )
            if number == 0 and due[case] < horizon:
                tally.replies[q, REPLY_BINS - 1] += 1
        home = int(arrival[case] / INTERVAL)
        for line in range(line_of[q], line_of[q + 1]):
            what, threshold = int(lines[line, 0]), lines[line, 1]
            if what == RESOLUTION and done + pending > threshold:
                outcomes[home, line, OVERDUE] += 1
            elif not waits[case]:
                continue
            elif number > 0:
                if what == NEXT and pending > threshold:
                    outcomes[int(received[case] / INTERVAL), line, OVERDUE] += 1
            elif (what == FIRST and not opening[case] and pending > threshold) or (
                what == OPENING and opening[case] and due[case] < horizon
            ):
                outcomes[home, line, OVERDUE] += 1


@njit(cache=True, nogil=True)
def serve(cases: Cases, rules: Rules, crew: Crew, tally: Tally) -> int:
    """Answers the cases, fills the tally and gives the number of messages begun."""
    talks, lists, team = _room(cases, rules, crew, tally.outcomes.shape[0] * INTERVAL)
    begun = _answer(cases, rules, crew, tally, talks, lists, team)
    _judge_the_rest(cases, rules, tally, talks)
    return begun
