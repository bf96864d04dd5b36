"""The checker finds every kind of broken rule, and nothing in a roster that keeps them all."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from rosters import MONDAY, horizon, make_agent, make_brand

from scheduling.check import RULES, Violation, check_roster
from wfm.brands import Brand
from wfm.frames import ROSTER
from wfm.people import (
    Agent,
    Availability,
    BreakRule,
    Contract,
    ContractTerm,
    ShiftTemplate,
    TimeOff,
)

START, END = horizon(28)
DAY = ShiftTemplate(
    "day",
    480,
    (0, 480, 840, 1320),
    (BreakRule("break", 15, 90, 150), BreakRule("meal", 30, 210, 300)),
)
SHORT = ShiftTemplate("short", 240, (480,), (BreakRule("break", 15, 60, 120),))
LAW = Contract("law", ("day",), 8, 40, max_days_per_week=5, max_consecutive_days=5)
BRAND = make_brand(templates=(DAY, SHORT), contracts=(LAW,))
AGENT = make_agent("a1", contract="law")


def shift(day: int, hour: int = 8, *, agent: str = "a1") -> list[tuple]:
    """Segments of a lawful day shift."""
    at = START + timedelta(days=day, hours=hour)

    def after(minutes: int) -> datetime:
        return at + timedelta(minutes=minutes)

    cuts = [(0, "on_queue"), (90, "break"), (105, "on_queue"), (240, "meal"), (270, "on_queue")]
    ends = [90, 105, 240, 270, 480]
    return [
        (agent, after(a), after(b), activity, "", "day", False)
        for (a, activity), b in zip(cuts, ends, strict=True)
    ]


def table(*shifts: list[tuple]) -> pd.DataFrame:
    rows = [row for s in shifts for row in s]
    frame = pd.DataFrame(rows, columns=list(ROSTER.columns))
    return frame.astype({name: column.dtype for name, column in ROSTER.columns.items()})


def changed(segments: list[tuple], number: int, **changes: object) -> list[tuple]:
    names = list(ROSTER.columns)
    rows = list(segments)
    rows[number] = tuple(changes.get(n, v) for n, v in zip(names, rows[number], strict=True))
    return rows


def rules(
    roster: pd.DataFrame,
    *,
    agent: Agent = AGENT,
    brand: Brand = BRAND,
    history: pd.DataFrame | None = None,
) -> set[str]:
    found = check_roster(roster, brand, (agent,), start=START, end=END, history=history)
    return {v.rule for v in found}


def test_a_lawful_roster_breaks_nothing():
    weeks = [shift(7 * w + d) for w in range(4) for d in range(5)]

    assert check_roster(table(*weeks), BRAND, (AGENT,), start=START, end=END) == ()


def test_an_empty_roster_breaks_nothing():
    assert rules(ROSTER.empty()) == set()


def seeded_faults() -> dict[str, Callable[[], set[str]]]:
    """One roster for each rule, lawful but for that rule."""
    monday = shift(0)
    quarter = timedelta(minutes=15)
    meal = monday[3]
    return {
        "unknown_agent": lambda: rules(table(shift(0, agent="ghost"))),
        "activity": lambda: rules(table(changed(monday, 0, activity="nap"))),
        "grid": lambda: rules(table(changed(monday, 4, end=monday[4][2] - timedelta(minutes=5)))),
        "horizon": lambda: rules(table(shift(28))),
        "overlap": lambda: rules(table(changed(monday, 2, end=meal[1] + quarter))),
        "gap": lambda: rules(table([*monday[:2], *monday[3:]])),
        "contract": lambda: rules(
            table(monday),
            agent=replace(AGENT, terms=(ContractTerm("law", MONDAY + timedelta(days=1)),)),
        ),
        "template": lambda: rules(table(shift(0, 9))),
        "breaks": lambda: rules(table(changed(monday, 1, activity="on_queue"))),
        "skill": lambda: rules(table(changed(monday, 0, queue="email"))),
        "one_shift_a_day": lambda: rules(table(shift(0, 0), shift(0, 22))),
        "day_hours": lambda: rules(
            table(monday), brand=replace(BRAND, contracts=(replace(LAW, max_hours_per_day=7),))
        ),
        "week_hours": lambda: rules(
            table(*[shift(d) for d in range(5)]),
            brand=replace(BRAND, contracts=(replace(LAW, max_hours_per_week=37),)),
        ),
        "week_days": lambda: rules(
            table(*[shift(d) for d in (0, 1, 2, 4, 5)]),
            brand=replace(BRAND, contracts=(replace(LAW, max_days_per_week=4),)),
        ),
        "consecutive_days": lambda: rules(table(*[shift(d) for d in range(3, 9)])),
        "rest": lambda: rules(table(shift(0, 22), shift(1, 14))),
        "weekends": lambda: rules(table(*[shift(7 * w + 5) for w in range(3)])),
        "availability": lambda: rules(
            table(monday), agent=replace(AGENT, availability=(Availability(0, 480, 945),))
        ),
        "time_off": lambda: rules(
            table(monday), agent=replace(AGENT, time_off=(TimeOff(MONDAY, MONDAY),))
        ),
    }


def test_every_rule_has_a_seeded_fault():
    assert set(seeded_faults()) == set(RULES)


@pytest.mark.parametrize("rule", list(RULES))
def test_a_seeded_fault_is_found_under_its_own_rule(rule: str):
    assert rule in seeded_faults()[rule]()


ALONE = sorted(set(RULES) - {"activity", "grid", "gap", "overlap", "one_shift_a_day"})


@pytest.mark.parametrize("rule", ALONE)
def test_a_seeded_fault_is_found_under_no_other_rule(rule: str):
    assert seeded_faults()[rule]() == {rule}


def test_a_break_out_of_its_window_or_of_another_length_is_found():
    late = shift(0)
    moved = [
        *changed(late[:2], 0, end=late[0][2] + timedelta(minutes=75)),
        *changed(
            late,
            1,
            start=late[1][1] + timedelta(minutes=75),
            end=late[1][2] + timedelta(minutes=75),
        )[1:2],
    ]
    segments = [moved[0], moved[2], (*late[2][:1], moved[2][2], *late[2][2:]), *late[3:]]

    assert rules(table(segments)) == {"breaks"}


def test_a_template_not_in_the_contract_is_found():
    at = START + timedelta(hours=8)
    cuts = [(0, 60, "on_queue"), (60, 75, "break"), (75, 240, "on_queue")]
    short = [
        ("a1", at + timedelta(minutes=a), at + timedelta(minutes=b), activity, "", "short", False)
        for a, b, activity in cuts
    ]

    assert rules(table(short)) == {"template"}


def test_a_shift_at_the_wrong_length_is_found():
    longer = changed(shift(0), 4, end=shift(0)[4][2] + timedelta(minutes=30))

    assert rules(table(longer)) >= {"template"}


def test_what_was_worked_before_counts_but_is_not_judged():
    before = [shift(d) for d in (-5, -4, -3, -2)]
    lawful = table(*before)

    assert rules(table(shift(0)), history=lawful) == set()
    assert rules(table(shift(0), shift(1)), history=table(*[shift(d) for d in range(-4, 0)])) == {
        "consecutive_days"
    }


def test_rest_is_owed_after_the_last_night_before():
    assert rules(table(shift(0, 14)), history=table(shift(-1, 22))) == {"rest"}


def test_weekends_before_the_horizon_count():
    worked = table(shift(-16), shift(-9))

    assert rules(table(shift(5)), history=worked) == {"weekends"}


def test_the_week_that_began_before_the_horizon_is_counted_as_one():
    start, end = START + timedelta(days=3), END
    history = table(*[shift(d) for d in (0, 1, 2)])
    found = check_roster(
        table(*[shift(d) for d in (4, 5, 6)]),
        BRAND,
        (AGENT,),
        start=start,
        end=end,
        history=history,
    )

    assert [(v.rule, v.day) for v in found] == [
        ("week_days", MONDAY + timedelta(days=6)),
        ("week_hours", MONDAY + timedelta(days=6)),
    ]


def test_the_wall_clock_decides_on_both_clock_change_days():
    for sunday in (date(2026, 3, 29), date(2026, 10, 25)):
        brand = replace(BRAND, zone="Europe/Berlin")
        start, end = horizon(1, first=sunday, zone="Europe/Berlin")
        at = start + timedelta(hours=7 if sunday.month == 3 else 9)  # 08:00 on the wall
        rows = [
            (r[0], at + (r[1] - shift(0)[0][1]), at + (r[2] - shift(0)[0][1]), *r[3:])
            for r in shift(0)
        ]
        assert check_roster(table(rows), brand, (AGENT,), start=start, end=end) == ()


def test_a_violation_reads_as_a_sentence():
    violation = Violation("a1", MONDAY, "rest", "8 h of rest, contract 11")

    assert str(violation) == (
        "a1 on 2026-03-02: 8 h of rest, contract 11 "
        "(hours between two shifts no fewer than the contract's)"
    )
