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

# One loop that calls little is what makes it quick.
# ruff: noqa: PLR0912, PLR0915, PLR0917

from __future__ import annotations

import numpy as np

from scheduling.compiled import compiled, inner
from scheduling.simulation.agenda import CURSOR, events_a_second, note, soonest, take
from scheduling.simulation.draws import (
    AGAIN,
    DRAWS,
    HANDLING,
    INTERVAL,
    THINK,
    duration_draw,
    uniform,
)
from scheduling.simulation.opentime import (
    NEVER,
    after_open,
    open_before,
    span_at,
    spread,
    spread_one,
)
from scheduling.simulation.state import (
    CLASSES,
    CONTINUE_P,
    FIRST,
    FIRST_CLASS,
    FIRST_DUE_S,
    FOLLOW_CLASS,
    FOLLOW_DUE_S,
    FOLLOW_MU,
    FOLLOW_SIGMA,
    HOLD,
    LATE,
    NEXT,
    ON_TIME,
    OPENING,
    OPENING_CLASS,
    OPENING_DUE_S,
    OVERDUE,
    REPLY_BIN_S,
    REPLY_BINS,
    RESOLUTION,
    THINK_MU,
    THINK_SIGMA,
    Cases,
    Crew,
    Lists,
    Rules,
    Talks,
    Tally,
    Team,
    room_for,
)
from scheduling.simulation.waiting import (
    NOBODY,
    before,
    first_to_come,
    leave,
    line_up,
    rise,
    sink,
)

ONE = np.uint64(1)
# Sums of seconds compared with a threshold: below any clock's tick.
TICK = 1e-6


@inner
def _answer(
    cases: Cases, rules: Rules, crew: Crew, tally: Tally, talks: Talks, lists: Lists, team: Team
) -> int:
    """The loop itself: everything up to the horizon."""
    arrival, queue, severity, keys = cases.arrival, cases.queue, cases.severity, cases.keys
    law, windows, window_of, fifo = rules.law, rules.windows, rules.window_of, rules.fifo
    switches, lines, line_of = rules.switches, rules.lines, rules.line_of
    late_every, put_off, lost_s = rules.late_every, rules.put_off, rules.lost_s
    comes_at, masks, agents = crew.at, crew.masks, crew.agents
    outcomes, busy, present, overrun = tally.outcomes, tally.busy, tally.present, tally.overrun
    backlog, first_backlog, oldest = tally.backlog, tally.first_backlog, tally.oldest
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
    passing = np.uint64(0)  # queues whose younger messages may stand before older ones
    for i in range(late_every.shape[0]):
        for q in range(queues):
            spike_any |= late_every[i, q] > 0
            if put_off[i, q] > 0.0 and not fifo:
                passing |= ONE << np.uint64(q)
    for case in range(count):
        if severity[case] != 0 and not fifo:
            passing |= ONE << np.uint64(queue[case])
    levels = idle.size // max(masks.size, 1)
    rate = events_a_second(arrival)
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
            soon = soonest(slots, at, mark, rate)
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
                if waiting[q] > 0:
                    came_at, by_age = interval_end, not (passing >> np.uint64(q)) & ONE
                    for line in range(q * CLASSES, (q + 1) * CLASSES):
                        came_at = min(
                            came_at,
                            first_to_come(head, behind, line, received, by_age),
                            first_to_come(late_head, behind, line, received, by_age),
                        )
                    if always[q]:
                        oldest[now, q] = interval_end - came_at
                    else:
                        first, last = window_of[q], window_of[q + 1]
                        oldest[now, q] = open_before(
                            windows, first, last, interval_end
                        ) - open_before(windows, first, last, came_at)
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
                    spread_one(overrun, went[who], t)
                else:
                    agent = who
            else:
                is_on[who], went[who] = False, t
                spread_one(present, came[who], t)
                if not is_busy[who]:
                    place = group[who] * levels + held[who]
                    rise(idle, idle_next, idle_last, place, who)
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
            take(slots, later, mark, who)
            soon_known = False
            is_busy[who] = False
            if hold_any:
                case = hand[who]
                if resolved[case] and holder[case] == who and hold_stint[case] == stint[who]:
                    held[who] -= 1
            if is_on[who]:
                agent = who
            else:
                spread_one(overrun, went[who], t)
        else:
            if kind == 3:
                case = soon - agents
                take(slots, later, mark, soon)
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
            allowed = law[q, FIRST_DUE_S if kind == 4 else FOLLOW_DUE_S] + put_off[now, q]
            if always[q]:
                due[case] = t + allowed
            elif kind == 3 or is_open[q]:
                due[case] = after_open(windows, first, last, t, allowed)
            else:
                k = span_at(windows, first, last, t) + 1
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
                        rise(idle, idle_next, idle_last, group[who] * levels + held[who], who)
                        idle_count -= 1
                        agent = who
                    held[who] -= 1
                    holder[case], who = NOBODY, NOBODY
            if who != NOBODY:
                line_up(own_head, own_tail, behind, who, case, rank, severity, received)
                owned[q] += 1
                if not is_busy[who]:
                    rise(idle, idle_next, idle_last, group[who] * levels + held[who], who)
                    idle_count -= 1
                    agent = who
            else:
                line = q * CLASSES + of_class
                line_up(head, tail, behind, line, case, rank, severity, received)
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
                    line_up(own_head, own_tail, behind, who, case, rank, severity, received)
                else:
                    if release_queue >= 0:
                        held[who] -= 1
                    holder[case] = NOBODY
                    line = q * CLASSES + FOLLOW_CLASS
                    line_up(head, tail, behind, line, case, rank, severity, received)
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
                rise(idle, idle_next, idle_last, group[agent] * levels + held[agent], agent)
                idle_count -= 1

            # The first in the order of `wfm.order`, of the queues' messages and the agent's own.
            case, chosen_q, chosen_line, is_late, from_late = NOBODY, -1, -1, False, False
            if hold_any and own_head[agent] != NOBODY:
                case = own_head[agent]
                chosen_q = queue[case]
                every = late_every[now, chosen_q]
                spares = every > 0 and (claims[chosen_q] + 1) % every != 0
                is_late = spares and due[case] <= t + lost_s
            rest, q = masks[group[agent]] & ready, -1
            while rest:
                q += 1
                mine = rest & ONE
                rest >>= ONE
                if not mine or (hold_any and 0.0 < law[q, HOLD] <= held[agent]):
                    continue
                every = late_every[now, q]
                spares = every > 0 and (claims[q] + 1) % every != 0
                classes = CLASSES if not always[q] else 2 if again_any else 1
                for line in range(q * CLASSES, q * CLASSES + classes):
                    if spares:
                        while head[line] != NOBODY and due[head[line]] <= t + lost_s:
                            lost = head[line]
                            leave(head, tail, behind, line)
                            line_up(
                                late_head, late_tail, behind, line, lost, rank, severity, received
                            )
                    other = head[line]
                    if other != NOBODY and (
                        case == NOBODY or is_late or before(other, case, rank, severity, received)
                    ):
                        case, chosen_q, chosen_line = other, q, line
                        is_late, from_late = False, False
                    if not spike_any:
                        continue
                    other = late_head[line]
                    if other != NOBODY and (
                        case == NOBODY
                        or (is_late and not spares)
                        or (is_late == spares and before(other, case, rank, severity, received))
                    ):
                        case, chosen_q, chosen_line = other, q, line
                        is_late, from_late = spares, True
            if case == NOBODY:
                sink(idle, idle_next, idle_last, group[agent] * levels + held[agent], agent)
                idle_count += 1
                break

            q = chosen_q
            if chosen_line < 0:
                leave(own_head, own_tail, behind, agent)
                owned[q] -= 1
            else:
                if from_late:
                    leave(late_head, late_tail, behind, chosen_line)
                else:
                    leave(head, tail, behind, chosen_line)
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
            note(slots, later, at, mark, rate, agent, agents)
            if soon_known and free_at <= soon_at:
                soon, soon_at = agent, free_at
                mark[CURSOR] = int(free_at * rate)
            spread(busy, q, now, t, free_at)

            if always[q]:
                taken = reply - received[case]
            else:
                first, last = window_of[q], window_of[q + 1]
                taken = open_before(windows, first, last, reply) - open_before(
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
                        note(slots, later, at, mark, rate, item, agents)
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
            spread_one(present, came[who], horizon)
        elif is_busy[who]:
            spread_one(overrun, went[who], at[who])
    return begun


@inner
def _judge_the_rest(cases: Cases, rules: Rules, tally: Tally, talks: Talks) -> None:
    """Counts what is still waiting, or not resolved, past its due time at the horizon."""
    arrival, queue, lines, line_of = cases.arrival, cases.queue, rules.lines, rules.line_of
    windows, window_of, outcomes = rules.windows, rules.window_of, tally.outcomes
    received, due, opening, waits = talks.received, talks.due, talks.opening, talks.waits
    open_wait, message, resolved = talks.open_wait, talks.message, talks.resolved
    promised = rules.law[:, FIRST_DUE_S]
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
            pending = open_before(windows, first, last, horizon) - open_before(
                windows, first, last, received[case]
            )
            # By what was promised: a message that was put off stands later in the order alone.
            late = pending > promised[q] if not opening[case] else due[case] < horizon
            if number == 0 and late:
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


@compiled
def serve(cases: Cases, rules: Rules, crew: Crew, tally: Tally) -> int:
    """Answers the cases, fills the tally and gives the number of messages begun."""
    talks, lists, team = room_for(cases, rules, crew, tally.outcomes.shape[0] * INTERVAL)
    begun = _answer(cases, rules, crew, tally, talks, lists, team)
    _judge_the_rest(cases, rules, tally, talks)
    return begun
