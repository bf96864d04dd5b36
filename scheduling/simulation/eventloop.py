"""The compiled event loop: one path of arrivals answered by agents who come and go.

Message level. A case opens with a first message; after each reply the customer may write again,
and the new message waits like any other. An agent answers one message at a time, in the order of
`wfm.order`, among the open queues they serve, and finishes what they have in hand when their span
ends. A conversation between two messages is with nobody.

Every random number is a hash of what it belongs to (case, message; agent, shift), not the next of
a stream. So other staff, or more contacts in an interval, leave all other draws as they were.

Events at the same instant are taken in the order: agents come and go, queues open and close, agents
get free, customers write again, cases arrive. Times are seconds from the start of the horizon.
"""

# Compiled code takes arrays one by one, and one loop that calls little is what makes it quick.
# ruff: noqa: PLR0912, PLR0915, PLR0917

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]
Keys = NDArray[np.uint64]

# Columns of a queue's law: natural-log mean and deviation of the lognormals, chance, promises.
FIRST_MU, FIRST_SIGMA, FOLLOW_MU, FOLLOW_SIGMA, THINK_MU, THINK_SIGMA = range(6)
EXPONENTIAL = -1.0
# Work after the first reply is sent, before the agent is free; a mu of NOTHING means none.
AFTER_MU, AFTER_SIGMA = 6, 7
NOTHING = -np.inf
CONTINUE_P, FIRST_DUE_S, OPENING_DUE_S, FOLLOW_DUE_S = 8, 9, 10, 11
LAW_COLUMNS = 12

# What a line counts, and how a message of it can end.
FIRST, OPENING, NEXT, RESOLUTION = range(4)
ON_TIME, LATE, OVERDUE = range(3)

# Where the draws of a message lie within its case's numbers.
DRAWS = 8
HANDLING, AFTER, AGAIN, THINK = 0, 2, 4, 5

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_A = np.uint64(0xBF58476D1CE4E5B9)
MIX_B = np.uint64(0x94D049BB133111EB)
S11, S27, S30, S31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)
ONE = np.uint64(1)
INTERVAL = 900.0
ABSENCE_BLOCK = 3600.0
NEVER = 1e18
# Sums of seconds compared with a threshold: below any clock's tick.
TICK = 1e-6


@njit(cache=True, nogil=True)
def combine(key: np.uint64, number: np.uint64) -> np.uint64:
    """A new key from a key and a number (SplitMix64's finaliser)."""
    x = (key ^ (number * GOLDEN)) + GOLDEN
    x = (x ^ (x >> S30)) * MIX_A
    x = (x ^ (x >> S27)) * MIX_B
    return x ^ (x >> S31)


@njit(cache=True, nogil=True)
def uniform(key: np.uint64, number: int) -> float:
    """The `number`-th uniform of `key`, in [0, 1)."""
    return float(combine(key, np.uint64(number)) >> S11) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def duration_draw(key: np.uint64, number: int, mu: float, sigma: float) -> float:
    """A lognormal from the `number`-th and the next uniform of `key`.

    A sigma of EXPONENTIAL gives the law of Erlang's formulas instead, with mean exp(mu).
    """
    if sigma < 0.0:
        return -math.exp(mu) * math.log(1.0 - uniform(key, number))
    if sigma == 0.0:
        return math.exp(mu)
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(key, number)))
    return math.exp(mu + sigma * radius * math.cos(2.0 * math.pi * uniform(key, number + 1)))


@njit(cache=True, nogil=True)
def draw_cases(
    path: np.uint64, contacts: Wholes, queue_keys: Keys, first_interval: int
) -> tuple[Floats, NDArray[np.int32], Keys]:
    """Arrival, queue and key of every case of a path, in the order of arrival.

    contacts  (intervals, queues); first_interval counts intervals since 1970, so that a window of
    the horizon draws the cases that the horizon draws there
    """
    total = contacts.sum()
    arrival, queue = np.empty(total), np.empty(total, dtype=np.int32)
    keys = np.empty(total, dtype=np.uint64)
    at = 0
    for i in range(contacts.shape[0]):
        begin = at
        for q in range(contacts.shape[1]):
            home = combine(combine(path, queue_keys[q]), np.uint64(first_interval + i))
            for n in range(contacts[i, q]):
                key = combine(home, np.uint64(n))
                arrival[at] = (i + uniform(key, 1 << 40)) * INTERVAL
                queue[at], keys[at] = q, key
                at += 1
        if at > begin + 1:
            order = np.argsort(arrival[begin:at])
            arrival[begin:at] = arrival[begin:at][order]
            queue[begin:at] = queue[begin:at][order]
            keys[begin:at] = keys[begin:at][order]
    return arrival, queue, keys


@njit(cache=True, nogil=True)
def draw_presence(
    path: np.uint64,
    spans: Floats,
    agent: Wholes,
    group: Wholes,
    shift_keys: Keys,
    planned: float,
    unplanned: float,
) -> tuple[Floats, Wholes, Wholes]:
    """When agents come (group >= 0) and go (-1): instants, agents and groups in order of time.

    spans      (n, 2) start and end on queue, by agent and time
    shift_keys of the shift a span belongs to: absent all of it with chance `unplanned`
    planned    share of every hour that is away from the queue at a random moment
    """
    room = 2 * spans.shape[0]
    for s in range(spans.shape[0]):
        room += 2 * (int((spans[s, 1] - spans[s, 0]) / ABSENCE_BLOCK) + 1)
    at, who, what = np.empty(room), np.empty(room, np.int64), np.empty(room, np.int64)
    n = 0
    for s in range(spans.shape[0]):
        key = combine(path, shift_keys[s])
        if unplanned > 0.0 and uniform(key, 0) < unplanned:
            continue
        begin, end = spans[s, 0], spans[s, 1]
        block = begin
        while block < end:
            until = min(block + ABSENCE_BLOCK, end)
            away = planned * (until - block)
            if away > 0.0:
                draw = uniform(key, 1 + int(block))
                leaves = block + draw * (until - block - away)
                if leaves > begin:
                    at[n], who[n], what[n] = begin, agent[s], group[s]
                    at[n + 1], who[n + 1], what[n + 1] = leaves, agent[s], -1
                    n += 2
                begin = leaves + away
            block = until
        if end > begin:
            at[n], who[n], what[n] = begin, agent[s], group[s]
            at[n + 1], who[n + 1], what[n + 1] = end, agent[s], -1
            n += 2
    order = np.argsort(at[:n], kind="mergesort")
    return at[:n][order], who[:n][order], what[:n][order]


@njit(cache=True, nogil=True)
def _span_at(opens: Floats, first: int, last: int, t: float) -> int:
    """The last of the spans [first, last) that opens at or before `t`; first - 1 if none does."""
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if opens[middle] <= t:
            low = middle + 1
        else:
            high = middle
    return low - 1


@njit(cache=True, nogil=True)
def _open_before(windows: Floats, first: int, last: int, t: float) -> float:
    """Open seconds before `t`. Rows of `windows`: opens, shuts, open seconds before it opens."""
    k = _span_at(windows[0], first, last, t)
    if k < first:
        return 0.0
    return float(windows[2, k] + min(t, windows[1, k]) - windows[0, k])


@njit(cache=True, nogil=True)
def _after_open(windows: Floats, first: int, last: int, t: float, seconds: float) -> float:
    """The instant at which `seconds` of open time have passed since `t`; NEVER past the spans."""
    total = _open_before(windows, first, last, t) + seconds
    for k in range(max(_span_at(windows[0], first, last, t), first), last):
        if windows[2, k] + windows[1, k] - windows[0, k] >= total:
            return float(windows[0, k] + total - windows[2, k])
    return NEVER


@njit(cache=True, nogil=True)
def _before(a: int, b: int, due: Floats, severity: NDArray[np.int8], received: Floats) -> bool:
    """Whether case `a` is answered before `b`: the key of `wfm.order` without the late flag."""
    if due[a] != due[b]:
        return bool(due[a] < due[b])
    if severity[a] != severity[b]:
        return bool(severity[a] > severity[b])
    if received[a] != received[b]:
        return bool(received[a] < received[b])
    return a < b


@njit(cache=True, nogil=True)
def _push(
    heap: NDArray[np.int32],
    base: int,
    size: int,
    case: int,
    due: Floats,
    severity: NDArray[np.int8],
    received: Floats,
) -> None:
    at = size
    while at > 0:
        up = (at - 1) >> 1
        if not _before(case, heap[base + up], due, severity, received):
            break
        heap[base + at] = heap[base + up]
        at = up
    heap[base + at] = case


@njit(cache=True, nogil=True)
def _pop(
    heap: NDArray[np.int32],
    base: int,
    size: int,
    due: Floats,
    severity: NDArray[np.int8],
    received: Floats,
) -> None:
    """Takes the first of `size` out."""
    last = heap[base + size - 1]
    size -= 1
    at = 0
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        right = down + 1
        if right < size and _before(heap[base + right], heap[base + down], due, severity, received):
            down = right
        if not _before(heap[base + down], last, due, severity, received):
            break
        heap[base + at] = heap[base + down]
        at = down
    heap[base + at] = last


@njit(cache=True, nogil=True)
def _push_timed(heap: NDArray[np.int32], size: int, item: int, at: Floats) -> None:
    place = size
    while place > 0:
        up = (place - 1) >> 1
        if at[heap[up]] <= at[item]:
            break
        heap[place] = heap[up]
        place = up
    heap[place] = item


@njit(cache=True, nogil=True)
def _pop_timed(heap: NDArray[np.int32], size: int, at: Floats) -> int:
    first, last = heap[0], heap[size - 1]
    size -= 1
    place = 0
    while True:
        down = 2 * place + 1
        if down >= size:
            break
        if down + 1 < size and at[heap[down + 1]] < at[heap[down]]:
            down += 1
        if at[heap[down]] >= at[last]:
            break
        heap[place] = heap[down]
        place = down
    heap[place] = last
    return int(first)


@njit(cache=True, nogil=True)
def _spread(out: Floats, begin: float, end: float) -> None:
    """Adds the seconds of [begin, end) to the intervals they lie in; what is past them is lost."""
    i = int(begin / INTERVAL)
    while begin < end and i < out.size:
        until = min(end, (i + 1) * INTERVAL)
        out[i] += until - begin
        begin = until
        i += 1


@njit(cache=True, nogil=True)
def serve(
    arrival: Floats,
    queue: NDArray[np.int32],
    severity: NDArray[np.int8],
    keys: Keys,
    scale: Floats,
    law: Floats,
    windows: Floats,
    window_of: Wholes,
    switches: Floats,
    lines: Floats,
    line_of: Wholes,
    comes_at: Floats,
    comes_who: Wholes,
    comes_group: Wholes,
    masks: Keys,
    agents: int,
    late_every: Wholes,
    lost_s: float,
    outcomes: NDArray[np.int32],
    backlog: NDArray[np.int32],
    busy: Floats,
    present: Floats,
    first_start: Floats,
) -> int:
    """Answers the cases; fills the last five arguments and gives the number of messages begun.

    arrival, queue, severity, keys  per case, by arrival
    scale        (intervals, queues): factor on the handling of cases that arrive there
    law          (queues, LAW_COLUMNS)
    windows      (3, spans): opens, shuts, open seconds before; those of queue q are the columns
                 window_of[q] to window_of[q + 1]
    switches     (n, 3): instant, queue, 1 opens or 0 shuts; by time
    lines        (n, 2): what is counted, threshold; those of queue q are the rows
                 line_of[q] to line_of[q + 1]
    comes_*      from `draw_presence`
    masks        queues of each group, a bit a queue; groups with few queues first
    late_every   per queue: 0, or in spike mode n: all but every n-th claim pass over lost cases
    lost_s       in spike mode a case is lost when it is due in less than this
    outcomes     (intervals, lines, 3): by the arrival of the case, NEXT by that of the message
    backlog      (intervals, queues): messages waiting at the interval's end
    busy         (queues, intervals): seconds at work
    present      (intervals): agents' seconds on queue
    first_start  per case: when its first message was begun; -1 if it was not
    """
    queues, horizon, cases = law.shape[0], outcomes.shape[0] * INTERVAL, arrival.size
    received, due = arrival.copy(), np.empty(cases)
    returns = np.empty(cases)
    open_wait = np.zeros(cases)  # our share of the time to resolution, open seconds
    message = np.zeros(cases, np.int32)
    opening = np.zeros(cases, np.bool_)
    waits = np.zeros(cases, np.bool_)
    resolved = np.zeros(cases, np.bool_)

    base = np.zeros(queues + 1, np.int64)
    for c in range(cases):
        base[queue[c] + 1] += 1
    for q in range(queues):
        base[q + 1] += base[q]
    heap, late_heap = np.empty(cases, np.int32), np.empty(cases, np.int32)
    size, late_size = np.zeros(queues, np.int64), np.zeros(queues, np.int64)
    back, back_size = np.empty(cases, np.int32), 0
    is_open = np.zeros(queues, np.bool_)
    claims = np.zeros(queues, np.int64)

    free_at = np.zeros(agents)
    working, working_size = np.empty(agents, np.int32), 0
    is_busy, is_on = np.zeros(agents, np.bool_), np.zeros(agents, np.bool_)
    came = np.zeros(agents)
    group = np.zeros(agents, np.int64)
    idle = np.empty((masks.size, agents), np.int32)
    idle_size = np.zeros(masks.size, np.int64)
    idle_place = np.full(agents, -1, np.int64)

    next_case, next_come, next_switch, next_end = 0, 0, 0, 0
    begun = 0
    while True:
        # The earliest event; on a tie the first of this list.
        t, kind = NEVER, -1
        if next_come < comes_at.size:
            t, kind = comes_at[next_come], 0
        if next_switch < switches.shape[0] and switches[next_switch, 0] < t:
            t, kind = switches[next_switch, 0], 1
        if working_size > 0 and free_at[working[0]] < t:
            t, kind = free_at[working[0]], 2
        if back_size > 0 and returns[back[0]] < t:
            t, kind = returns[back[0]], 3
        if next_case < cases and arrival[next_case] < t:
            t, kind = arrival[next_case], 4
        while next_end < outcomes.shape[0] and (next_end + 1) * INTERVAL <= t:
            for q in range(queues):
                backlog[next_end, q] = size[q] + late_size[q]
            next_end += 1
        if kind < 0 or t >= horizon:
            break

        # Who may now claim: one agent who got free, or idle ones for one queue that has news.
        agent, news = -1, -1
        if kind == 0:
            who, which = comes_who[next_come], comes_group[next_come]
            next_come += 1
            if which >= 0:
                is_on[who], group[who], came[who] = True, which, t
                if not is_busy[who]:
                    agent = who
            else:
                is_on[who] = False
                _spread(present, came[who], t)
                if not is_busy[who]:
                    g = group[who]
                    idle_size[g] -= 1
                    moved = idle[g, idle_size[g]]
                    idle[g, idle_place[who]] = moved
                    idle_place[moved] = idle_place[who]
        elif kind == 1:
            q = int(switches[next_switch, 1])
            is_open[q] = switches[next_switch, 2] > 0.0
            next_switch += 1
            if is_open[q]:
                news = q
        elif kind == 2:
            who = _pop_timed(working, working_size, free_at)
            working_size -= 1
            is_busy[who] = False
            if is_on[who]:
                agent = who
        else:
            if kind == 3:
                case = _pop_timed(back, back_size, returns)
                back_size -= 1
                message[case] += 1
                received[case] = t
            else:
                case = next_case
                next_case += 1
            q = queue[case]
            first, last = window_of[q], window_of[q + 1]
            if message[case] > 0:
                due[case] = _after_open(windows, first, last, t, law[q, FOLLOW_DUE_S])
            elif is_open[q]:
                due[case] = _after_open(windows, first, last, t, law[q, FIRST_DUE_S])
            else:
                k = _span_at(windows[0], first, last, t) + 1
                opening[case] = True
                due[case] = windows[0, k] + law[q, OPENING_DUE_S] if k < last else NEVER
            waits[case] = True
            _push(heap, base[q], size[q], case, due, severity, received)
            size[q] += 1
            if is_open[q]:
                news = q

        while True:
            if agent < 0:
                # An idle agent with the fewest other queues; there is none while others wait.
                if news < 0 or size[news] + late_size[news] == 0:
                    break
                for g in range(masks.size):
                    if idle_size[g] > 0 and (masks[g] >> np.uint64(news)) & ONE:
                        idle_size[g] -= 1
                        agent = idle[g, idle_size[g]]
                        break
                if agent < 0:
                    break

            chosen, chosen_q, chosen_late, from_late = -1, -1, False, False
            for q in range(queues):
                if not is_open[q] or not (masks[group[agent]] >> np.uint64(q)) & ONE:
                    continue
                passes = late_every[q] > 0 and (claims[q] + 1) % late_every[q] != 0
                if passes:
                    while size[q] > 0 and due[heap[base[q]]] <= t + lost_s:
                        overdue = heap[base[q]]
                        _pop(heap, base[q], size[q], due, severity, received)
                        size[q] -= 1
                        _push(late_heap, base[q], late_size[q], overdue, due, severity, received)
                        late_size[q] += 1
                if size[q] + late_size[q] == 0:
                    continue
                late = late_size[q] > 0 and (
                    size[q] == 0
                    or (
                        not passes
                        and _before(late_heap[base[q]], heap[base[q]], due, severity, received)
                    )
                )
                candidate = late_heap[base[q]] if late else heap[base[q]]
                flag = passes and due[candidate] <= t + lost_s
                if (
                    chosen < 0
                    or (chosen_late and not flag)
                    or (chosen_late == flag and _before(candidate, chosen, due, severity, received))
                ):
                    chosen, chosen_q, chosen_late, from_late = candidate, q, flag, late
            if chosen < 0:
                g = group[agent]
                idle[g, idle_size[g]] = agent
                idle_place[agent] = idle_size[g]
                idle_size[g] += 1
                agent = -1
                if news < 0:
                    break
                continue

            case, q = chosen, chosen_q
            if from_late:
                _pop(late_heap, base[q], late_size[q], due, severity, received)
                late_size[q] -= 1
            else:
                _pop(heap, base[q], size[q], due, severity, received)
                size[q] -= 1
            claims[q] += 1
            begun += 1
            waits[case] = False
            key, number = keys[case], DRAWS * message[case]
            home = int(arrival[case] / INTERVAL)
            factor = scale[home, q]
            after = 0.0
            if message[case] == 0:
                first_start[case] = t
                work = duration_draw(key, number + HANDLING, law[q, FIRST_MU], law[q, FIRST_SIGMA])
                if law[q, AFTER_MU] > NOTHING:
                    after = factor * duration_draw(
                        key, number + AFTER, law[q, AFTER_MU], law[q, AFTER_SIGMA]
                    )
            else:
                work = duration_draw(
                    key, number + HANDLING, law[q, FOLLOW_MU], law[q, FOLLOW_SIGMA]
                )
            reply = t + work * factor
            free_at[agent] = reply + after
            is_busy[agent] = True
            _push_timed(working, working_size, agent, free_at)
            working_size += 1
            _spread(busy[q], t, reply + after)

            first, last = window_of[q], window_of[q + 1]
            taken = _open_before(windows, first, last, reply) - _open_before(
                windows, first, last, received[case]
            )
            open_wait[case] += taken
            again = uniform(key, number + AGAIN) < law[q, CONTINUE_P]
            if again:
                returns[case] = reply + duration_draw(
                    key, number + THINK, law[q, THINK_MU], law[q, THINK_SIGMA]
                )
                if returns[case] < horizon:
                    _push_timed(back, back_size, case, returns)
                    back_size += 1
            else:
                resolved[case] = True
            for line in range(line_of[q], line_of[q + 1]):
                what, threshold = int(lines[line, 0]), lines[line, 1] + TICK
                if message[case] == 0 and what == FIRST and not opening[case]:
                    outcomes[home, line, ON_TIME if taken <= threshold else LATE] += 1
                elif message[case] == 0 and what == OPENING and opening[case]:
                    outcomes[home, line, ON_TIME if reply <= due[case] else LATE] += 1
                elif message[case] > 0 and what == NEXT:
                    i = int(received[case] / INTERVAL)
                    outcomes[i, line, ON_TIME if taken <= threshold else LATE] += 1
                elif what == RESOLUTION and not again:
                    outcomes[home, line, ON_TIME if open_wait[case] <= threshold else LATE] += 1
            agent = -1
            if news < 0:
                break

    for who in range(agents):
        if is_on[who]:
            _spread(present, came[who], horizon)
    for case in range(cases):
        q = queue[case]
        if resolved[case]:
            continue
        pending = 0.0
        if waits[case]:
            first, last = window_of[q], window_of[q + 1]
            pending = _open_before(windows, first, last, horizon) - _open_before(
                windows, first, last, received[case]
            )
        home = int(arrival[case] / INTERVAL)
        for line in range(line_of[q], line_of[q + 1]):
            what, threshold = int(lines[line, 0]), lines[line, 1]
            if what == RESOLUTION and open_wait[case] + pending > threshold:
                outcomes[home, line, OVERDUE] += 1
            elif not waits[case]:
                continue
            elif message[case] > 0:
                if what == NEXT and pending > threshold:
                    outcomes[int(received[case] / INTERVAL), line, OVERDUE] += 1
            elif (what == FIRST and not opening[case] and pending > threshold) or (
                what == OPENING and opening[case] and due[case] < horizon
            ):
                outcomes[home, line, OVERDUE] += 1
    return begun
