"""The agenda of the event loop: agents who get free and cases that come back, by time.

A calendar queue (Brown 1988): a ring of slots, each `1 / rate` seconds of every turn, with its
items in order of time. One item a slot makes entering and taking take the same short time
however many there are. An item is a place in `at`, its time: agents, and then cases.
"""

# Compiled code takes arrays one by one.
# ruff: noqa: PLR0917

from __future__ import annotations

from scheduling.compiled import inner
from scheduling.simulation.draws import INTERVAL, Floats, Wholes
from scheduling.simulation.waiting import NOBODY, Places

# Room of the agenda: the busiest interval has about one event in each of its slots.
SLOTS = 4096
# What is known of it in `mark`: the slot, counted from the start, of its earliest item; its length.
CURSOR, COUNT = range(2)


@inner
def note(
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
def soonest(slots: Places, at: Floats, mark: Wholes, rate: float) -> int:
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
def take(slots: Places, after: Places, mark: Wholes, item: int) -> None:
    """Takes out the earliest item, which `soonest` gave."""
    slots[mark[CURSOR] & (SLOTS - 1)] = after[item]
    mark[COUNT] -= 1


@inner
def events_a_second(arrival: Floats) -> float:
    """Twice the arrivals of the busiest interval: they come, and somebody gets free."""
    busiest, begin, until = 1, 0, INTERVAL
    for c in range(arrival.size):
        while arrival[c] >= until:
            until += INTERVAL
            begin = c
        busiest = max(busiest, c + 1 - begin)
    return 2.0 * busiest / INTERVAL
