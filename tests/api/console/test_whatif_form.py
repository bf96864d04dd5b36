"""What stands in the controls is a scenario, and a scenario stands in the controls again."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from rehearsaldesk import make_evaluation

from api.cli import whatiftold
from api.console import whatifform, whatifwords
from api.console.whatifform import Form
from scheduling.editing.changes import Change
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
from wfm.errors import RequestError

DAY = "2026-03-02"
EVENING = Form(DAY, ("x",))
STARTS = datetime(2026, 3, 2, 17, tzinfo=UTC)  # 18:00 in Berlin
HOUR = timedelta(hours=1)


def test_the_controls_begin_with_three_times_the_usual_tonight(brand):
    days = [date(2026, 3, 2), date(2026, 3, 3)]
    form = whatifform.first_form(brand, days, date(2026, 3, 3))

    [surge] = whatifform.built(form, brand).surges
    assert (surge.start, surge.length_min) == (STARTS + 24 * HOUR, 120)
    assert (surge.factor, surge.queues) == (3.0, ("x",))


def test_a_day_on_which_clocks_change_counts_its_quarter_hours_from_midnight(brand):
    form = replace(EVENING, day="2026-03-29", start=4 * 4)

    assert whatifform.begins(form, brand) == datetime(2026, 3, 29, 3, tzinfo=UTC)


def test_what_holds_beside_the_spike_holds_until_a_quarter_of_it_is_left(brand):
    form = replace(EVENING, handling=120, absent=10, extra=3, automatic=20, spike=True, acts=15)

    scenario = whatifform.built(form, brand)

    end = STARTS + 4 * HOUR
    [surge] = scenario.surges
    assert surge.shape(end) == 0.25
    assert scenario.handling == (Handling(STARTS, end, 1.2, ("x",)),)
    assert scenario.absences == (Absence(STARTS, end, 0.1),)
    assert scenario.extra == (Extra(STARTS, end, 3, ("x",)),)
    assert scenario.policies == (Policy(STARTS, end, ("x",), spike_mode=True, automatic=0.2),)
    assert scenario.known_from == STARTS + timedelta(minutes=15)


def test_controls_that_change_nothing_build_nothing(brand):
    assert whatifform.built(replace(EVENING, factor=1), brand).is_empty


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"queues": []}, "no queue is chosen"),
        ({"factor": None, "rise": None}, "out of its range: the factor, the rise"),
    ],
)
def test_a_gap_in_the_controls_is_told_in_words(change, wanted):
    with pytest.raises(RequestError, match=wanted):
        Form.of({**EVENING.values(), **change})


forms = st.builds(
    Form,
    day=st.sampled_from([DAY, "2026-03-29"]),
    queues=st.sampled_from([("x",), ("x", "instagram"), ("x", "facebook", "instagram")]),
    start=st.integers(0, 91),
    length=st.integers(1, 144).map(lambda n: 5 * n),
    factor=st.integers(0, 100).map(lambda n: n / 10),
    half_life=st.integers(1, 480),
    rise=st.integers(0, 240),
    added=st.integers(0, 5000).map(float),
    cause=st.sampled_from(["", "viral"]),
    handling=st.integers(5, 300).map(float),
    absent=st.integers(0, 100).map(float),
    extra=st.integers(0, 20),
    automatic=st.integers(0, 100).map(float),
    spike=st.booleans(),
    acts=st.integers(-12, 48).map(lambda n: 5 * n),
)


@given(form=forms)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_a_scenario_of_the_controls_stands_in_the_controls_and_parts_again(brand, form):
    scenario = whatifform.built(form, brand)

    placed, parts = whatifform.placed(scenario, brand, EVENING)

    again = whatifform.whole(placed, parts, brand)
    if scenario.surges:  # else the rest stands among the parts, with hours of its own
        assert (placed, parts) == (form, [])
    assert replace(again, known_from=None) == replace(scenario, known_from=None)


@pytest.fixture
def everything():
    """A scenario with a part of each kind, none of which the controls can build."""
    end = STARTS + 5 * HOUR
    return Scenario(
        surges=(Surge(STARTS + timedelta(minutes=7), 60, factor=4), Surge(end, 30, factor=2)),
        handling=(Handling(STARTS, end, 0.9),),
        absences=(Absence(STARTS, end, 0.1, ("a001",)),),
        shrinkage=Shrinkage(planned=0.1, unplanned=0.05),
        goals=(Goal("x", 0.8, 600),),
        policies=(Policy(STARTS, end, ("x",), put_off_min=60), Policy(STARTS, end)),
        extra=(Extra(STARTS, end, 1),),
        loans=(Loan(STARTS, end, ("a002", "a003"), ("facebook",)),),
        changes=(
            Change("a001", date(2026, 3, 2), (), ()),
            Change("a002", date(2026, 3, 2), (), ()),
        ),
    )


def test_what_the_controls_cannot_build_is_kept_beside_them_in_words(brand, everything):
    form, parts = whatifform.placed(everything, brand, EVENING)

    assert whatifform.built(form, brand).is_empty
    assert whatifform.whole(form, parts, brand) == everything
    assert [part["title"] for part in parts] == [
        "4 times the usual on all queues for 1 h, from Mon 2 Mar 18:07",
        "2 times the usual on all queues for 30 min, from Mon 2 Mar 23:00",
        "Handling time 10 % shorter on all queues, Mon 2 Mar 18:00–23:00",
        "1 person away and 10 % of the people away, Mon 2 Mar 18:00–23:00",
        "Another promise on X: 80 % within 10 min",
        "Put off by 1 h on X, Mon 2 Mar 18:00–23:00",
        "Worked as usual on all queues, Mon 2 Mar 18:00–23:00",
        "1 person more on all queues, Mon 2 Mar 18:00–23:00",
        "2 people also serve Facebook, Mon 2 Mar 18:00–23:00",
        "The roster changed: 2 days of 2 people",
        "Shrinkage: planned 10 %, unplanned 5 %",
    ]


def test_what_goes_with_a_spike_moves_with_it(brand):
    part = whatifform.part_of("later", Scenario(surges=(Surge(STARTS + HOUR, 30, factor=2),)))
    [going] = whatifform.going_with([part], EVENING, brand)

    moved = whatifform.whole(replace(EVENING, start=EVENING.start + 8), [going], brand)

    assert [surge.start for surge in moved.surges] == [STARTS + 2 * HOUR, STARTS + 3 * HOUR]
    assert going["title"] == "With the spike: 2 times the usual on all queues for 30 min"


def test_parts_that_contradict_each_other_are_told(brand):
    change = Change("a001", date(2026, 3, 2), (), ())
    part = whatifform.part_of("moved", Scenario(changes=(change,)))

    with pytest.raises(RequestError, match="both change what a001 does"):
        whatifform.whole(EVENING, [part, part], brand)


# -- the sentence ---------------------------------------------------------------------------------


def test_the_answer_is_one_sentence(brand):
    found = make_evaluation(whatifform.built(EVENING, brand))

    assert whatifwords.answer(found, brand) == (
        "On Monday 2 March from 18:00, 3 times the usual on X for 2 h: 78.0 % of first replies are "
        "in time instead of 94.0 %; at worst 143 messages wait (20:00) and the longest wait is "
        "2 h 1 min; on time again at 23:00."
    )


def test_the_answer_names_what_holds_beside_the_spike(brand, everything):
    repaired = whatifform.built(replace(EVENING, extra=2, spike=True), brand)

    assert whatifwords.answer(make_evaluation(repaired), brand).startswith(
        "On Monday 2 March from 18:00, 3 times the usual on X for 2 h, with spike mode (20 % for "
        "the late) on X and 2 people more on X: 86.0 % of first replies are in time"
    )
    assert ", with handling time 10 % shorter on all queues and 1 person away and 10 % of the " in (
        whatifwords.opening(everything, brand)
    )
    assert whatifwords.opening(everything, brand).endswith(" and 7 more")


def test_the_answer_tells_the_day_where_it_is_another(brand):
    found = make_evaluation(whatifform.built(replace(EVENING, start=88), brand))

    assert "at worst 143 messages wait (Tue 3 Mar 00:00)" in whatifwords.answer(found, brand)


def test_a_scenario_that_hurts_nobody_says_so(brand):
    found = make_evaluation(whatifform.built(EVENING, brand))
    calm = replace(
        found.overall, attainment_after=0.9399, breach_min_after=0.0, recovered_at=STARTS
    )
    told = whatifwords.answer(replace(found, effects=(calm,)), brand)

    assert told.endswith(
        "for 2 h: 94.0 % of first replies are in time, as without it: no promise suffers."
    )


def test_what_has_not_recovered_when_the_hours_end_says_so(brand):
    found = make_evaluation(whatifform.built(EVENING, brand))
    small = replace(found.overall, attainment_after=0.937, recovered_at=None)
    told = whatifwords.answer(replace(found, effects=(small,)), brand)

    assert "93.7 % of first replies are in time instead of 94.0 %" in told
    assert told.endswith("not on time again by Tue 3 Mar 08:00.")


def test_the_command_line_tells_the_same_outcome(brand):
    found = make_evaluation(whatifform.built(EVENING, brand))

    console = whatifwords.answer(found, brand).partition(": ")[2]

    assert console.replace(" %", "%") == whatiftold.answer(found, brand.tz)
