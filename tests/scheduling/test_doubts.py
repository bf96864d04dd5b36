"""What stands in a roster's way is told by name, with the way out, before anything is solved."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from rosters import FULL, MONDAY, horizon, make_agent, make_brand, make_requirement

from scheduling.contracts import contract_faults
from scheduling.doubts import Doubt, roster_doubts
from wfm.brands import Presence
from wfm.calendars import ServiceWindow
from wfm.frames import ROSTER, interval_index
from wfm.people import (
    Agent,
    Availability,
    Contract,
    ContractTerm,
    Limit,
    ShiftTemplate,
    TimeOff,
)

START, END = horizon(14)
NIGHT = ShiftTemplate("night", 480, (1320,))
DAY = ShiftTemplate("day", 480, (360, 840))
LAW = Contract("law", ("day", "night"), 8, 40, min_hours_per_week=32)
BRAND = make_brand(queues=("x", "email"), templates=(DAY, NIGHT), contracts=(LAW,))


def agent(name: str, **changes: object) -> Agent:
    return make_agent(name, **({"contract": "law"} | changes))


def doubts(*agents: Agent, brand=BRAND, need=None, pinned=None, days=14) -> dict[str, Doubt]:
    start, end = horizon(days)
    requirement = make_requirement(need or {"x": 1}, start, end)
    found = roster_doubts(requirement, brand, agents, start=start, end=end, pinned=pinned)
    assert len({d.reason for d in found}) == len(found)
    return {d.reason: d for d in found}


def test_a_desk_that_can_be_rostered_raises_no_doubt():
    assert doubts(agent("a1"), agent("a2")) == {}


def test_without_agents_all_hours_stay_open():
    assert str(doubts()["no_agents"]) == (
        "there are no agents, so all 372 agent-hours stay open; import agents"
    )


def test_a_queue_that_nobody_serves_is_named_with_its_need():
    found = doubts(agent("a1"), need={"x": 1, "email": 2})

    assert list(found) == ["skill"]
    assert "nobody has the skill for queue email" in found["skill"].words
    assert "745 agent-hours" in found["skill"].words


def test_hours_that_no_template_reaches_are_told_in_local_time():
    brand = replace(BRAND, templates=(DAY,))

    found = doubts(agent("a1"), brand=brand)

    assert "no shift template reaches 00:00-06:00, 22:00-24:00" in found["uncovered"].words
    assert "add a template, or a start" in found["uncovered"].cure


def test_the_first_morning_belongs_to_the_evening_before():
    assert "uncovered" not in doubts(agent("a1"), days=1)


def test_weekdays_are_named_where_only_some_are_not_reached():
    index = interval_index(START, END)
    weekend_nights = np.where((index.weekday >= 5) & (index.hour < 6), 1, 0)
    weekdays_only = tuple(Availability(d, 0, 1440) for d in range(5))

    found = doubts(agent("a1", availability=weekdays_only), need={"x": weekend_nights})

    assert "may work 00:00-06:00 on sat, sun by contract" in found["uncovered"].words


def test_who_cannot_work_the_minimum_of_the_contract_is_named_with_the_hours():
    mornings = (Availability(0, 360, 840), Availability(2, 360, 840))

    found = doubts(agent("a1"), agent("a2", availability=mornings))

    assert found["minimum"].who == ("a2",)
    assert "1 agent cannot work" in found["minimum"].words
    assert "a2 16.0 of 32.0 h in the week of 2026-03-09" in found["minimum"].words


def test_a_limit_of_the_week_below_the_minimum_is_a_doubt():
    found = doubts(agent("a1", limits=(Limit("max_hours_per_week", hours=20),)))

    assert "a1 20.0 of 32.0 h" in found["minimum"].words


def test_time_off_lowers_the_minimum_with_it():
    away = agent("a1", time_off=(TimeOff(MONDAY, MONDAY + timedelta(days=6)),))

    assert "minimum" not in doubts(away, agent("a2"))


def test_many_agents_below_their_minimum_are_counted():
    mornings = (Availability(0, 360, 840),)

    found = doubts(*(agent(f"a{n}", availability=mornings) for n in range(7)), need={"x": 0})

    assert len(found["minimum"].who) == 7
    assert found["minimum"].words.endswith("and 2 more")


def test_time_off_over_a_pinned_shift_is_told():
    at = START + timedelta(days=2, hours=6)
    pinned = pd.DataFrame(
        [("a1", at, at + timedelta(hours=8), "on_queue", "", "day", True)],
        columns=list(ROSTER.columns),
    ).astype({name: column.dtype for name, column in ROSTER.columns.items()})
    off = TimeOff(MONDAY + timedelta(days=2), MONDAY + timedelta(days=3))

    assert "pinned" not in doubts(agent("a1"), pinned=pinned)
    found = doubts(agent("a1", time_off=(off,)), pinned=pinned)

    assert "pinned shift of agent a1 on 2026-03-04" in found["pinned"].words
    assert found["pinned"].cure == "take back the time off, or unpin the shift"


def test_contracts_that_overlap_are_told():
    other = replace(LAW, name="other")
    terms = (
        ContractTerm("law", MONDAY, MONDAY + timedelta(days=5)),
        ContractTerm("other", MONDAY + timedelta(days=3)),
    )

    found = doubts(replace(agent("a1"), terms=terms), brand=replace(BRAND, contracts=(LAW, other)))

    assert "'law' and 'other' at once from 2026-03-05 to 2026-03-07" in found["contracts"].words


def test_a_role_that_too_few_have_is_told():
    brand = replace(BRAND, presence=(Presence("lead", 2, ServiceWindow.always(), "supervisor"),))

    assert "role" not in doubts(
        agent("a1", roles=("supervisor",)), agent("a2", roles=("supervisor",)), brand=brand
    )
    found = doubts(agent("a1", roles=("supervisor",)), agent("a2"), brand=brand)
    assert "asks for 2 agents at once, and 1 have the role 'supervisor'" in found["role"].words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_hours_per_day": 6}, "longer than the 6 h a day"),
        ({"templates": ("gone",)}, "no template that the brand has"),
        ({"min_consecutive_shifts": 6}, "at least 6 days worked in a row"),
        (
            {"min_consecutive_shifts": 5, "max_days_per_week": 2, "min_hours_per_week": 0},
            "at most 2 days a week",
        ),
        ({"min_hours_per_week": 41}, "minimum of 41 h a week is above the 40 h"),
        ({"max_days_per_week": 3}, "minimum of 32 h a week is above the 24 h"),
        ({"min_hours_per_period": 161}, "161 h in 4 weeks is above the 160 h"),
        (
            {"min_hours_per_period": 121, "max_hours_per_period": 120},
            "121 h in 4 weeks is above the 120 h",
        ),
        (
            {
                "min_consecutive_shifts": 2,
                "forbidden_sequences": tuple(
                    (a, b) for a in ("day", "night") for b in ("day", "night")
                ),
            },
            "no template may follow",
        ),
    ],
)
def test_rules_that_no_line_can_keep_are_told(changes, words):
    contract = replace(LAW, **changes)

    assert contract_faults(LAW, BRAND) == []
    ((told, cure),) = contract_faults(contract, BRAND)
    assert words in told
    assert cure
    found = doubts(agent("a1"), brand=replace(BRAND, contracts=(contract,)))
    assert words in found["contract"].words


def test_a_contract_that_nobody_holds_is_not_judged():
    broken = replace(FULL, name="broken", min_consecutive_shifts=9)

    assert doubts(agent("a1"), brand=replace(BRAND, contracts=(LAW, broken))) == {}


@pytest.mark.parametrize(("count", "days", "large"), [(1100, 28, True), (60, 182, False)])
def test_large_desks_and_long_horizons_are_looked_at_quickly(count, days, large):
    found = doubts(*(agent(f"a{n}") for n in range(count)), days=days)

    assert ("large" in found) == large
