"""What the event loop is given, what it fills, and what it remembers meanwhile.

Compiled code takes arrays: tables are the columns of named tuples, and a queue, case, agent or line
is its place in them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.compiled import compiled
from scheduling.simulation.agenda import SLOTS
from scheduling.simulation.draws import Floats, Keys, Wholes
from scheduling.simulation.waiting import NOBODY, Places

Flags = NDArray[np.bool_]

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

# First-response times are counted by the minute up to a day, and beyond it in one more place.
REPLY_BIN_S = 60.0
REPLY_BINS = 24 * 60 + 1


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
    late_every  (intervals, queues): 0, or in spike mode n: all but every n-th claim pass over lost
                cases
    put_off     (intervals, queues): seconds by which a message that comes then is due later in the
                order than was promised
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
    put_off: Floats
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
    oldest         (intervals, queues): open seconds since the longest waiting of those that wait
                   for anybody came, at the interval's end; 0 while none does
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
    oldest: NDArray[np.float32]
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
    slots, at, later, mark  see `note`; agents who get free, then cases that come back
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


@compiled
def room_for(cases: Cases, rules: Rules, crew: Crew, horizon: float) -> tuple[Talks, Lists, Team]:
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
