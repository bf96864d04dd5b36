"""Scenarios on a roster: nothing where nothing changes, the truth where something does."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))
from whatifdesk import QUEUES, START, a_brand, a_situation, at

from scheduling.editing.changes import Change, Segment
from scheduling.simulation.attainment import attainment_by_interval
from scheduling.whatif.evaluate import evaluate
from scheduling.whatif.playing import answered, prepared
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
    joined,
)
from wfm.brands import Planning
from wfm.calendars import Hours, ServiceWindow
from wfm.errors import Conflict, NotFound, RequestError
from wfm.timegrid import INTERVAL

OFFICE = ServiceWindow((Hours("UTC", frozenset(range(5)), 540, 1020),))
SURGE = Surge(at(18), 120, ("x",), 4.0)


@pytest.fixture(scope="module")
def desk():
    return a_situation()


@pytest.fixture(scope="module")
def spiked(desk):
    return evaluate(desk, Scenario("spike", (SURGE,)), replications=30)


def of(evaluation, queue):
    table = evaluation.table
    return table[table["queue"] == queue].reset_index(drop=True)


# -- what changes nothing changes nothing --------------------------------------------------------

IDLE = {
    "nothing": Scenario(),
    "a factor of 1": Scenario(surges=(Surge(at(18), 60, ("x",), 1.0),)),
    "the same handling time": Scenario(handling=(Handling(at(18), at(20), 1.0),)),
    "nobody absent": Scenario(absences=(Absence(at(18), at(20)),)),
    "the same shrinkage": Scenario(shrinkage=Shrinkage(0.0, 0.0)),
    "the same promise": Scenario(goals=(Goal("x", 0.9, 900),)),
    "no policy": Scenario(policies=(Policy(at(18), at(20)),)),
    "a skill they have": Scenario(loans=(Loan(at(18), at(20), ("s00",), ("x",)),)),
}


@pytest.mark.parametrize("scenario", IDLE.values(), ids=IDLE)
def test_a_scenario_that_changes_nothing_changes_nothing(desk, scenario):
    found = evaluate(desk, scenario, replications=5)
    table = found.table
    for column in ("cases", "attainment", "attainment_{}_low", "backlog", "age_s", "occupancy"):
        name = column if "{}" in column else column + "_{}"
        pd.testing.assert_series_equal(
            table[name.format("before")], table[name.format("after")], check_names=False
        )
    assert (found.added_contacts, found.automatic, found.paid_hours) == (0, 0, 0)
    assert found.overall.breach_min_after == found.overall.breach_min_before


# -- a window tells what the whole would ---------------------------------------------------------


def test_a_loan_of_skills_they_have_changes_nothing_of_who_is_away():
    desk = a_situation(brand=a_brand(Planning(0.15, 0.1)), days=2, paths=5)
    found = evaluate(desk, Scenario(loans=(Loan(at(18.25), at(20.5), ("s20", "s21"), ("x",)),)))
    for column in ("attainment", "backlog", "occupancy"):
        before, after = (found.table[f"{column}_{when}"] for when in ("before", "after"))
        pd.testing.assert_series_equal(before, after, check_names=False)


def test_the_window_tells_what_the_whole_roster_would(desk, spiked):
    """The same days, simulated from the roster's start to its end with all queues at once."""
    whole = prepared(desk, spiked.scenario, desk.start, desk.end, QUEUES, replications=30)
    played = answered(whole, desk, spiked.scenario)
    first = int((spiked.start - desk.start) / INTERVAL)
    for queue in ("", *QUEUES):
        told = of(spiked, queue)
        full = attainment_by_interval(played, queue).iloc[first : first + len(told)]
        # Draws are the same; what differs is what the window's empty start forgets, and soon none.
        late = slice(16, None)
        assert (
            np.nanmax(np.abs(told["attainment_after"][late] - full["attainment"].to_numpy()[late]))
            < 0.05
        )
        assert told["attainment_after"].mean() == pytest.approx(
            full["attainment"].mean(), abs=0.004
        )
        assert told["backlog_after"].max() == pytest.approx(
            full["backlog"].max(), rel=0.02, abs=0.3
        )


def test_queues_that_share_no_agent_are_not_simulated_again(desk, spiked):
    assert spiked.reached == ("x", "facebook")
    email = of(spiked, "email")
    pd.testing.assert_series_equal(
        email["backlog_before"], email["backlog_after"], check_names=False
    )
    linked = Scenario("", (SURGE,), loans=(Loan(at(18), at(22), ("m20",), ("x",)),))
    assert evaluate(desk, linked, replications=4).reached == QUEUES


def test_before_the_scenario_begins_nothing_differs(spiked):
    table = of(spiked, "")
    calm = table[table["start"] < pd.Timestamp(SURGE.start)]
    assert len(calm) >= 24
    # A case that comes before may still wait when the surge begins.
    assert (calm["backlog_before"] == calm["backlog_after"]).all()


# -- what a spike does ---------------------------------------------------------------------------


def test_a_spike_breaks_the_promise_and_the_desk_recovers(spiked):
    x = next(e for e in spiked.effects if e.queue == "x")
    assert x.attainment_before > 0.97 > 0.9 > x.attainment_after
    assert x.backlog_after.value > 10 * x.backlog_before.value
    assert SURGE.start < x.backlog_after.at < at(24)
    assert x.age_s_after.value > 900 > x.age_s_before.value
    assert x.breach_min_after > 60 > x.breach_min_before
    assert x.late_after - x.late_before > 50
    assert x.recovered_at is not None
    assert SURGE.end < x.recovered_at < spiked.end
    assert x.worst_hour_after is not None
    assert x.worst_hour_after < 0.3
    # 3 times 8 contacts more a quarter-hour for 2 hours, and e-folding after an hour's half-life.
    assert spiked.added_contacts == pytest.approx(24 * 8 + 24 * 4 / np.log(2), rel=0.1)
    after = of(spiked, "").set_index("start")
    assert after["occupancy_after"][pd.Timestamp(at(19))] > 0.85


def test_a_promise_that_is_never_kept_again_is_said_so():
    desk = a_situation(days=2, paths=4, busy=1.1)
    found = evaluate(desk, Scenario("", (Surge(at(30), 600, factor=5.0),)), replications=4)
    assert found.end == desk.end
    assert found.overall.recovered_at is None


def test_added_contacts_come_in_all_as_many_as_were_said(desk):
    surge = Surge(at(12), 60, ("x", "email"), added=300, rise_min=30, half_life_min=30)
    found = evaluate(desk, Scenario("", (surge,)), replications=30)
    assert found.added_contacts == pytest.approx(300, rel=0.05)
    more = {q: (of(found, q)["cases_after"] - of(found, q)["cases_before"]).sum() for q in QUEUES}
    assert more["x"] / more["email"] == pytest.approx(2.0, rel=0.2)
    assert more["facebook"] == 0


@pytest.mark.parametrize("surge", [
    Surge(at(18) + timedelta(minutes=5), 5, ("x",), added=40.0, half_life_min=1.0),
    Surge(at(72) - timedelta(minutes=5), 60, ("x",), added=40.0),
], ids=["shorter than an interval", "in the last interval"])  # fmt: skip
def test_short_surges_bring_all_that_they_add(desk, surge):
    found = evaluate(desk, Scenario(surges=(surge,)))
    assert found.added_contacts == pytest.approx(40, rel=0.1)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(factor=st.floats(0.2, 6.0), more=st.floats(0.1, 4.0))
def test_a_larger_surge_brings_all_that_a_smaller_one_does(desk, factor, more):
    small, large = (
        prepared(
            desk, Scenario("", (replace(SURGE, factor=f),)), at(12), at(24), ("x",), replications=3
        )
        for f in (factor, factor + more)
    )
    assert (large.contacts >= small.contacts).all()
    for r in range(3):
        assert set(small.cases(r)[2]) <= set(large.cases(r)[2])


# -- each part does its work ---------------------------------------------------------------------

BUSY_EVENING = Scenario("", (replace(SURGE, factor=3.0),))
PARTS = {
    "handling takes longer": (Scenario(handling=(Handling(at(16), at(22), 1.6, ("x",)),)), 1),
    "a third is absent": (Scenario(absences=(Absence(at(16), at(22), 0.35),)), 1),
    "named people are absent": (
        Scenario(absences=(Absence(at(16), at(22), agents=("s20", "s21", "s22")),)),
        1,
    ),
    "more shrinkage": (Scenario(shrinkage=Shrinkage(0.2, 0.1)), 1),
    "a stricter promise": (Scenario(goals=(Goal("x", 0.95, 240),)), 1),
    "more people": (Scenario(extra=(Extra(at(18), at(22), 3, ("x",)),)), -1),
    "answered automatically": (
        Scenario(policies=(Policy(at(18), at(22), ("x",), automatic=0.4),)),
        -1,
    ),
    "spike mode": (Scenario(policies=(Policy(at(18), at(22), ("x",), spike_mode=True),)), -1),
    "a neighbour is put off": (
        Scenario(policies=(Policy(at(17), at(22), ("facebook",), put_off_min=240),)),
        -1,
    ),
    "skills on loan": (Scenario(loans=(Loan(at(18), at(24), ("m20", "m21"), ("x",)),)), -1),
}


@pytest.mark.parametrize(("scenario", "sign"), PARTS.values(), ids=PARTS)
def test_each_part_of_a_scenario_helps_or_hurts_the_queue(desk, scenario, sign):
    without = evaluate(desk, BUSY_EVENING, replications=12)
    found = evaluate(desk, joined(BUSY_EVENING, scenario), replications=12)
    x, was = (next(e for e in one.effects if e.queue == "x") for one in (found, without))
    assert sign * (x.breach_min_after - was.breach_min_after) > 5


def test_automatic_answers_are_counted_apart(desk):
    policy = Policy(at(18), at(20), ("x",), automatic=0.5)
    found = evaluate(desk, Scenario(policies=(policy,)), replications=20)
    assert found.automatic == pytest.approx(0.5 * 8 * 8, rel=0.15)
    fewer = of(found, "x")["cases_before"] - of(found, "x")["cases_after"]
    assert fewer.sum() == pytest.approx(found.automatic)


def test_a_change_of_the_roster_is_played_and_paid(desk):
    shift = Segment(at(16), at(24), "on_queue", "", "day8")
    longer = replace(shift, end=at(26))
    change = Change("s20", START.date(), (shift,), (longer,))
    found = evaluate(desk, Scenario("", (SURGE,), changes=(change,)), replications=4)
    assert found.paid_hours == pytest.approx(2.0)
    gone = replace(change, before=(replace(shift, end=at(23)),))
    with pytest.raises(Conflict, match="s20"):
        evaluate(desk, Scenario("", changes=(gone,)), replications=2)


def test_the_same_seed_gives_the_same_answer():
    scenario = Scenario("", (SURGE,), absences=(Absence(at(16), at(22), 0.2),))
    one, two = (evaluate(a_situation(paths=4), scenario, replications=4) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, two.table)


def test_compared_scenarios_have_one_window(desk):
    late = Scenario("", (replace(SURGE, start=at(30)),))
    both = [
        evaluate(desk, one, replications=2, among=(other,))
        for one, other in ((Scenario("", (SURGE,)), late), (late, Scenario("", (SURGE,))))
    ]
    assert both[0].start == both[1].start
    assert both[0].table["backlog_before"].equals(both[1].table["backlog_before"])


def test_shutting_queues_are_joined_before_they_shut():
    brand = a_brand(Planning(0.05, 0.05))
    shut = tuple(replace(q, window=OFFICE) if q.name == "email" else q for q in brand.queues)
    desk = a_situation(days=4, paths=4, brand=replace(brand, queues=shut))
    found = evaluate(desk, Scenario("", (Surge(at(57), 60, ("email",), 3.0),)), replications=4)
    # Wednesday 09:00; the office shut at 17:00 on Tuesday, and what waits has come since.
    assert found.start <= at(41)


# -- what cannot be asked ------------------------------------------------------------------------

WRONG = {
    "outside of the roster": (Scenario(surges=(replace(SURGE, start=at(99)),)), "outside of the"),
    "negative": (Scenario(surges=(replace(SURGE, factor=-1.0),)), "factor is -1"),
    "a million": (Scenario(surges=(replace(SURGE, factor=1e6),)), "between 0 and 100"),
    "not a number": (Scenario(surges=(replace(SURGE, factor=float("nan")),)), "factor is nan"),
    "ends first": (Scenario(extra=(Extra(at(5), at(4), 1),)), "before it starts"),
    "all at once": (
        Scenario(surges=(replace(SURGE, factor=-1.0, length_min=0),)),
        "factor.*length",
    ),
}


@pytest.mark.parametrize(("scenario", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_asked_is_told_with_its_value(desk, scenario, words):
    with pytest.raises(RequestError, match=words):
        evaluate(desk, scenario)


def test_an_unknown_queue_is_told_with_those_there_are(desk):
    with pytest.raises(NotFound, match="no queue 'fax'; Test has x, facebook, email"):
        evaluate(desk, Scenario(surges=(replace(SURGE, queues=("fax",)),)))


def test_the_answer_does_not_change_the_situation(desk):
    before = desk.contacts.copy()
    evaluate(desk, Scenario("", (replace(SURGE, factor=9.0),)), replications=2)
    assert (desk.contacts == before).all()
    assert timedelta(0) < desk.end - desk.start
