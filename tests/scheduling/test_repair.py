"""A repair covers what an absence leaves open, with few changes and no new broken rule."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
from draftdesk import BRAND, MONDAY, ROSTERED, TUESDAY, WEDNESDAY, at, roster_of
from rosters import make_agent, make_requirement

from scheduling.check import check_roster
from scheduling.editing.changes import Change, applied, day_of
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import judged
from scheduling.editing.timeoff import absence
from scheduling.repair import repaired
from wfm.frames import interval_index
from wfm.people import Agent, Availability, Limit, TimeOff

FREE = dict.fromkeys(("a1", "a2", "a3", "a4"), ())


def a_ground(*agents: Agent, needed: int = 1) -> EditGround:
    start, end = at(MONDAY, 0), at(WEDNESDAY, 24)
    hours = interval_index(start, end).tz_convert(BRAND.tz).hour
    return EditGround(
        brand=BRAND,
        agents=agents or tuple(make_agent(name, contract="part") for name in FREE),
        requirement=make_requirement(
            {"x": ((hours >= 8) & (hours < 16)).astype(int) * needed}, start, end
        ),
        start=start,
        end=end,
    )


def ill(ground: EditGround, agent_id: str, days: int = 1) -> tuple[EditGround, tuple[Change, ...]]:
    """The ground with the agent's absence from Monday on, and the shifts that it takes away."""
    last = MONDAY + timedelta(days=days - 1)
    lost = absence(ROSTERED, agent_id, MONDAY, last, ground).changes
    off = (TimeOff(MONDAY, last),)
    agents = tuple(replace(a, time_off=off) if a.agent_id == agent_id else a for a in ground.agents)
    return replace(ground, agents=agents), lost


def test_somebody_who_is_free_takes_the_lost_shift():
    ground, lost = ill(a_ground(), "a1")
    gone, taken = sorted(
        repaired(ROSTERED, lost, ground, change_price=1.0), key=lambda c: bool(c.after)
    )
    assert (gone.agent_id, gone.day, gone.after) == ("a1", MONDAY, ())
    assert (taken.agent_id in {"a3", "a4"}, taken.day) == (True, MONDAY)
    judgement = judged(ROSTERED, (gone, taken), ground)
    assert judgement.short_hours_after <= judgement.short_hours_before
    assert judgement.broken == ()


def test_nobody_is_asked_for_what_is_not_worth_a_change():
    ground, lost = ill(a_ground(needed=0), "a1")
    assert repaired(ROSTERED, lost, ground, change_price=1.0) == lost
    ground, lost = ill(a_ground(), "a1")
    assert repaired(ROSTERED, lost, ground, change_price=1000.0) == lost


def test_at_most_so_many_days_change_as_were_asked_for():
    ground, lost = ill(a_ground(needed=3), "a1")
    assert len(repaired(ROSTERED, lost, ground, change_price=1.0)) <= 5
    assert len(repaired(ROSTERED, lost, ground, change_price=1.0, most=1)) == 2
    assert repaired(ROSTERED, lost, ground, change_price=1.0, most=0) == lost


BLOCKED = {
    "skill": {"skills": ()},
    "time off": {"time_off": (TimeOff(MONDAY, MONDAY),)},
    "contract": {"since": TUESDAY},
    "limits": {"limits": (Limit("hours", from_min=0, to_min=900),)},
    "availability": {"availability": tuple(Availability(d, 0, 900) for d in range(7))},
    # From midnight on they work again: eight hours after the lost shift.
    "rest": {},
}


@pytest.mark.parametrize("why", list(BLOCKED))
def test_who_may_not_take_the_shift_is_not_given_it(why: str):
    early, late = make_agent("a1", contract="part"), make_agent("a2", contract="part")
    others = [make_agent(name, contract="part", **BLOCKED[why]) for name in ("a3", "a4")]
    nights = [("a3", TUESDAY, 0), ("a4", TUESDAY, 0)] if why == "rest" else []
    roster = roster_of(("a1", MONDAY, 8), ("a2", MONDAY, 12), *nights)
    ground = a_ground(early, replace(late, time_off=(TimeOff(MONDAY, MONDAY),)), *others)
    lost = absence(roster, "a2", MONDAY, MONDAY, ground).changes
    changes = repaired(roster, lost, ground, change_price=1.0)
    late_ones = [c.agent_id for c in changes if c.after and c.after[-1].end > at(MONDAY, 15)]
    assert set(late_ones) <= {"a1"}
    after = applied(roster, changes)
    assert check_roster(after, BRAND, ground.agents, start=ground.start, end=ground.end) == ()


def test_pinned_shifts_and_what_is_past_stand():
    pinned = ROSTERED.assign(pinned=ROSTERED["agent_id"] == "a2")
    agents = [make_agent(name, contract="part") for name in ("a1", "a2")]
    ground = a_ground(*agents)
    lost = absence(pinned, "a1", MONDAY, MONDAY, ground).changes
    ground = replace(
        ground, agents=(replace(agents[0], time_off=(TimeOff(MONDAY, MONDAY),)), agents[1])
    )
    assert repaired(pinned, lost, ground, change_price=1.0) == lost
    frozen = replace(ground, frozen_until=at(MONDAY, 13))
    assert repaired(ROSTERED, lost, frozen, change_price=1.0) == lost


def test_the_same_roster_gives_the_same_repair_and_is_not_changed():
    before = ROSTERED.copy()
    ground, lost = ill(a_ground(), "a1", days=2)
    once = repaired(ROSTERED, lost, ground, change_price=1.0)
    assert once == repaired(ROSTERED, lost, ground, change_price=1.0)
    pd.testing.assert_frame_equal(ROSTERED, before)
    after = applied(ROSTERED, once)
    assert day_of(after, "a1", MONDAY, BRAND.tz) == day_of(after, "a1", TUESDAY, BRAND.tz) == ()
