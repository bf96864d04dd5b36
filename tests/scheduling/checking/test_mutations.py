"""A lawful roster that is changed to an unlawful one is caught, and nobody else is blamed."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))
from checked import BRAND, DAY, END, START, Rows, changed, shift, table
from rosters import MONDAY, make_agent

from scheduling.check import Violation, check_roster
from wfm.people import Agent, ContractTerm, Limit, TimeOff

QUARTER = timedelta(minutes=15)
A1, A2 = make_agent("a1", contract="law"), make_agent("a2", contract="law")

Roster = dict[int, Rows]  # by day worked
Mutation = Callable[[Roster, int, int], tuple[list[Rows], Agent]]


def lawful(days: list[int], hour: int) -> Roster:
    """Days of five weekdays each week, all at one hour: nothing can be broken."""
    return {day: shift(day, hour) for day in days}


def moved(rows: Rows, minutes: int) -> Rows:
    by = timedelta(minutes=minutes)
    return [(a, start + by, end + by, *rest) for a, start, end, *rest in rows]


def put(roster: Roster, day: int, rows: Rows) -> list[Rows]:
    return list((roster | {day: rows}).values())


def move(roster: Roster, day: int, k: int) -> tuple[list[Rows], Agent]:
    return put(roster, day, moved(roster[day], 15 * k)), A1


def lengthen(roster: Roster, day: int, k: int) -> tuple[list[Rows], Agent]:
    rows = roster[day]
    return put(roster, day, changed(rows, 4, end=rows[4][2] + k * QUARTER)), A1


def drop_break(roster: Roster, day: int, k: int) -> tuple[list[Rows], Agent]:
    return put(roster, day, changed(roster[day], 1 + 2 * (k % 2), activity="on_queue")), A1


def leave_hole(roster: Roster, day: int, k: int) -> tuple[list[Rows], Agent]:
    rows = roster[day]
    hole = 1 + k % 3
    return put(roster, day, rows[:hole] + rows[hole + 1 :]), A1


def forbid(roster: Roster, day: int, k: int) -> tuple[list[Rows], Agent]:
    rows = roster[day]
    for n in range(len(rows)):
        rows = changed(rows, n, template="short")
    return put(roster, day, rows), A1


def serve_another(roster: Roster, day: int, k: int) -> tuple[list[Rows], Agent]:
    return put(roster, day, changed(roster[day], 2 * (k % 3), queue="email")), A1


def work_on_time_off(roster: Roster, day: int, k: int) -> tuple[list[Rows], Agent]:
    first = MONDAY + timedelta(days=day - k % 3)
    return list(roster.values()), replace(A1, time_off=(TimeOff(first, first + timedelta(k)),))


def outlive_contract(roster: Roster, day: int, k: int) -> tuple[list[Rows], Agent]:
    until = MONDAY + timedelta(days=day - 1)
    term = ContractTerm("law", MONDAY - timedelta(days=400), until)
    return list(roster.values()), replace(A1, terms=(term,))


def overlap(roster: Roster, day: int, k: int) -> tuple[list[Rows], Agent]:
    return [*roster.values(), moved(roster[day], 15 * (1 + k % 5))[:1]], A1


def give_more(roster: Roster, day: int, k: int) -> tuple[list[Rows], Agent]:
    limit = Limit("max_hours_per_day", 7, since=MONDAY, until=MONDAY + timedelta(days=day))
    return list(roster.values()), replace(A1, limits=(limit,))


def second_shift(roster: Roster, day: int, k: int) -> tuple[list[Rows], Agent]:
    # At another start of the template on the same day, clear of the first shift.
    hour = {0: 22, 8: 22, 14: 0, 22: 8}[
        int((roster[day][0][1] - START).total_seconds() // 3600 % 24)
    ]
    return [*roster.values(), shift(day, hour)], A1


MUTATIONS: dict[str, tuple[Mutation, str]] = {
    "moved off its starts": (move, "template"),
    "longer than its template": (lengthen, "template"),
    "without one of its breaks": (drop_break, "breaks"),
    "with a hole": (leave_hole, "gap"),
    "of a forbidden template": (forbid, "template"),
    "on a queue without the skill": (serve_another, "skill"),
    "on time off": (work_on_time_off, "time_off"),
    "after the contract": (outlive_contract, "contract"),
    "beside another": (overlap, "overlap"),
    "over a limit": (give_more, "limits"),
    "twice a day": (second_shift, "one_shift_a_day"),
}


@pytest.mark.parametrize("name", MUTATIONS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    days=st.sets(st.sampled_from([7 * w + d for w in range(4) for d in range(5)]), min_size=1),
    hour=st.sampled_from([start // 60 for start in DAY.starts]),
    pick=st.integers(0, 99),
    k=st.integers(1, 7),
)
def test_a_changed_roster_is_caught(name: str, days: set[int], hour: int, pick: int, k: int):
    mutation, rule = MUTATIONS[name]
    roster = lawful(sorted(days), hour)
    day = sorted(days)[pick % len(days)]
    other = [shift(d, 8, agent="a2") for d in sorted(days)]

    def judged(rows: list[Rows], agent: Agent) -> tuple[Violation, ...]:
        return check_roster(table(*rows, *other), BRAND, (agent, A2), start=START, end=END)

    assert judged(list(roster.values()), A1) == ()
    found = judged(*mutation(roster, day, k))
    assert rule in {v.rule for v in found if v.day == MONDAY + timedelta(days=day)}
    assert {v.agent_id for v in found} == {"a1"}
