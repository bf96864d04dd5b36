"""Rules on days worked, beside a second reading of them: a line of work as a row of letters."""

import re
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from checked import END, START, Rows, table
from rosters import MONDAY, make_agent, make_brand

from scheduling.check import check_roster
from wfm.people import Contract, ShiftTemplate

# Shifts from 08:00 to 16:00 on days marked W; the first 14 days are history.
PAST = 14
PLAIN = ShiftTemplate("plain", 480, (480,))
LAWS = tuple(
    Contract(
        f"law{n}",
        ("plain",),
        24,
        168,
        max_days_per_week=4 + n % 3,
        max_consecutive_days=3 + n,
        min_consecutive_shifts=1 + n % 3,
        min_consecutive_days_off=1 + n % 2,
        max_weekends_in_4=n % 4,
        weekly_rest_h=(0.0, 40.0, 64.0, 88.0)[n],
        min_rest_h=0,
    )
    for n in range(4)
)
Witness = Callable[[str, Contract], set[int]]


def too_many_in_a_row(days: str, law: Contract) -> set[int]:
    over = f"(?=W{{{law.max_consecutive_days + 1}}})"
    return {m.start() + law.max_consecutive_days for m in re.finditer(over, days)}


def too_few_in_a_row(days: str, law: Contract) -> set[int]:
    known = "W" in days[:PAST]
    runs = re.finditer(r"W+(?=\.)", days)
    return {
        run.end()
        for run in runs
        if len(run[0]) < law.min_consecutive_shifts and (known or run.start() != PAST)
    }


def too_few_off(days: str, law: Contract) -> set[int]:
    gaps = re.finditer(r"(?<=W)\.+(?=W)", days)
    return {gap.end() for gap in gaps if len(gap[0]) < law.min_consecutive_days_off}


def too_many_of_a_week(days: str, law: Contract) -> set[int]:
    found = set()
    for monday in range(0, len(days), 7):
        worked = [n for n in range(monday, monday + 7) if days[n] == "W"]
        found |= set(worked[law.max_days_per_week :])
    return found


def too_many_weekends(days: str, law: Contract) -> set[int]:
    weekends = [days[monday + 5 : monday + 7] for monday in range(0, len(days), 7)]
    found = set()
    for week, weekend in enumerate(weekends):
        window = weekends[max(0, week - 3) : week + 1]
        if "W" in weekend and sum("W" in w for w in window) > law.max_weekends_in_4:
            found.add(7 * week + 5 + weekend.index("W"))
    return found


def never_rested(days: str, law: Contract) -> set[int]:
    found = set()
    for monday in range(0, len(days), 7):
        worked = [n for n in range(monday, monday + 7) if days[n] == "W"]
        before = [days.rfind("W", 0, n) for n in worked]
        rests = [24 * (n - b) - 8 if b >= 0 else 999 for n, b in zip(worked, before, strict=True)]
        if worked and max(rests) < law.weekly_rest_h:
            found.add(worked[-1])
    return found


WITNESSES: dict[str, Witness] = {
    "consecutive_days": too_many_in_a_row,
    "consecutive_shifts": too_few_in_a_row,
    "days_off": too_few_off,
    "week_days": too_many_of_a_week,
    "weekends": too_many_weekends,
    "weekly_rest": never_rested,
}


def lines(count: int) -> dict[str, str]:
    """Days of so many agents, from hardly any worked to nearly all, some without a history."""
    rng = np.random.default_rng(5)
    found = {}
    for n in range(count):
        worked = rng.random(PAST + 28) < 0.15 + 0.75 * n / count
        if n % 5 == 0:
            worked[:PAST] = False
        found[f"a{n:02d}"] = "".join("W" if w else "." for w in worked)
    return found


def rows(agent_id: str, days: str, first: int) -> Rows:
    starts = [
        START + timedelta(days=first + n, hours=8) for n, letter in enumerate(days) if letter == "W"
    ]
    return [(agent_id, s, s + timedelta(hours=8), "on_queue", "", "plain", False) for s in starts]


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], set[int]]:
    """Days of violations by agent and rule, counted from the first day of history."""
    agents = tuple(
        make_agent(agent_id, contract=f"law{n % len(LAWS)}") for n, agent_id in enumerate(lines(48))
    )
    violations = check_roster(
        table(*(rows(a, days[PAST:], 0) for a, days in lines(48).items())),
        make_brand(templates=(PLAIN,), contracts=LAWS),
        agents,
        start=START,
        end=END,
        history=table(*(rows(a, days[:PAST], -PAST) for a, days in lines(48).items())),
    )
    assert {v.rule for v in violations} == set(WITNESSES)
    kept: dict[tuple[str, str], set[int]] = {}
    for v in violations:
        kept.setdefault((v.agent_id, v.rule), set()).add((v.day - MONDAY).days + PAST)
    return kept


@pytest.mark.parametrize("rule", WITNESSES)
def test_days_as_letters_break_the_same_rules(rule: str, found: dict[tuple[str, str], set[int]]):
    for n, (agent_id, days) in enumerate(lines(48).items()):
        told = {day for day in WITNESSES[rule](days, LAWS[n % len(LAWS)]) if day >= PAST}
        assert found.get((agent_id, rule), set()) == told, (agent_id, days)
