"""What a scenario reaches: hours and queues, reckoned by hand on desks that are small enough."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from repairdesk import a_desk, spike
from whatifdesk import QUEUES, START, a_brand, a_situation, at

from scheduling.editing.changes import Change, Segment
from scheduling.whatif.scenario import (
    Absence,
    Extra,
    Goal,
    Handling,
    Loan,
    Policy,
    Scenario,
    Shrinkage,
    Surge,
)
from scheduling.whatif.window import longer, reached, window_of, worked_off
from wfm.calendars import Hours, ServiceWindow
from wfm.sla import Duration, WorkLaw

SHIFT = Segment(at(16), at(24), "on_queue", "", "day8")
BLIP = Policy(at(45), at(46), ("x",), automatic=0.1)


@pytest.fixture(scope="module")
def desk():
    return a_situation(paths=1)


def desk_with(queue, **changes):
    brand = a_brand()
    own = tuple(replace(q, **changes) if q.name == queue else q for q in brand.queues)
    return a_situation(days=4, paths=1, brand=replace(brand, queues=own))


def thinking(hours):
    return {"work": WorkLaw(continue_p=0.3, think=Duration(3600.0 * hours, 1.0))}


# -- hours ---------------------------------------------------------------------------------------


def test_the_queues_fill_for_six_hours_before_and_are_watched_for_three_after(desk):
    # From 15:00 to 01:00, on the grid of six hours.
    window = window_of(desk, Scenario(policies=(BLIP,)))
    assert (window.start, window.end) == (at(36), at(54))
    assert longer(window, desk).end == at(66)
    assert longer(longer(window, desk), desk).end == desk.end


def test_a_scenario_at_the_edges_of_the_roster_stays_within_it(desk):
    early, late = (replace(BLIP, start=at(h), end=at(h + 1)) for h in (1, 71))
    assert window_of(desk, Scenario(policies=(early,))).start == desk.start
    assert window_of(desk, Scenario(policies=(late,))).end == desk.end
    whole = window_of(desk, Scenario(goals=(Goal("x", 0.95),)))
    assert (whole.start, whole.end) == (desk.start, desk.end)


@pytest.mark.parametrize(
    ("queue", "hours", "begins"), [("x", 4, 30), ("x", 20, 18), ("email", 20, 36)]
)
def test_where_customers_think_long_three_times_that_is_waited_a_day_at_most(queue, hours, begins):
    window = window_of(desk_with(queue, **thinking(hours)), Scenario(policies=(BLIP,)))
    assert window.start == at(begins)


# Shut from 19:00 to 09:00.
@pytest.mark.parametrize(("hour", "begins"), [(57, 36), (64, 36), (66, 60)])
def test_a_queue_is_joined_before_it_last_shut_unless_it_has_long_been_open(hour, begins):
    by_day = ServiceWindow((Hours("UTC", frozenset(range(7)), 540, 1140),))
    policy = Policy(at(hour), at(hour + 1), ("email",), automatic=0.1)
    window = window_of(desk_with("email", window=by_day), Scenario(policies=(policy,)))
    assert window.start == at(begins)


def test_work_is_worked_off_when_the_heads_to_spare_have_done_it(desk):
    # 500 contacts of 6 minutes; of eight heads 13 contacts a quarter-hour leave 2.8 to spare.
    scenario = Scenario(surges=(Surge(at(18), 60, ("x",), added=500, half_life_min=1),))
    done = worked_off(desk, scenario, ("x", "facebook"), at(19))
    assert at(18 + 50 / 2.8 - 0.5) <= done <= at(18 + 50 / 2.8 + 0.5)
    assert window_of(desk, scenario).end == at(42)


# -- queues --------------------------------------------------------------------------------------

PARTS = {
    "a surge": (Scenario(surges=(Surge(at(18), 60, ("email",)),)), ("email",)),
    "a surge of everything": (Scenario(surges=(Surge(at(18), 60),)), QUEUES),
    "handling": (Scenario(handling=(Handling(at(18), at(20), 2, ("x",)),)), ("x", "facebook")),
    "named people": (Scenario(absences=(Absence(at(9), at(12), agents=("m20",)),)), ("email",)),
    "a share of all": (Scenario(absences=(Absence(at(9), at(12), 0.1),)), QUEUES),
    "shrinkage": (Scenario(shrinkage=Shrinkage(0.1)), QUEUES),
    "shrinkage beside a spike": (
        Scenario(surges=(Surge(at(18), 60, ("email",)),), shrinkage=Shrinkage(0.1)),
        QUEUES,
    ),
    "a promise": (Scenario(goals=(Goal("facebook", 0.8),)), ("x", "facebook")),
    "a policy": (Scenario(policies=(replace(BLIP, queues=("email",)),)), ("email",)),
    "people for both teams": (Scenario(extra=(Extra(at(9), at(12), 1, ("x", "email")),)), QUEUES),
    "people lent": (Scenario(loans=(Loan(at(9), at(12), ("m20",), ("x",)),)), QUEUES),
    "a shift": (Scenario(changes=(Change("m20", START.date(), (SHIFT,), ()),)), ("email",)),
}


@pytest.mark.parametrize(("scenario", "queues"), PARTS.values(), ids=PARTS)
def test_a_part_reaches_those_who_share_people_with_what_it_changes(desk, scenario, queues):
    assert reached(desk, scenario) == queues


def test_who_shares_people_with_those_who_share_people_is_reached_too():
    # Some serve instagram and x, others x and email; nobody both instagram and email.
    assert reached(a_desk(), spike(queue="instagram")) == ("x", "instagram", "email")
    assert reached(a_desk(), spike(queue="linkedin")) == ("linkedin",)
