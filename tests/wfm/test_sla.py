"""Service goals, the work law, and when an answer is due."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.calendars import Hours, ServiceWindow, is_open, next_opening, open_seconds
from wfm.errors import DataError
from wfm.sla import (
    Duration,
    OpeningGoal,
    ServiceGoal,
    WorkLaw,
    first_response_due,
    goal_doubts,
)

laws = settings(max_examples=50, deadline=None, derandomize=True)

BERLIN = ZoneInfo("Europe/Berlin")
DAYTIME = ServiceWindow((Hours("Europe/Berlin", frozenset(range(7)), 8 * 60, 20 * 60),))
OFFICE = ServiceWindow((Hours("Europe/Berlin", frozenset(range(5)), 9 * 60, 17 * 60, "DE"),))
GOAL = ServiceGoal.first_response(within_s=900)
OPENING = OpeningGoal(3600)

# Spans that hold both clock changes and the Easter holidays.
minutes = st.integers(0, 8 * 24 * 60)
instants = st.builds(
    lambda start, m: start + timedelta(minutes=m),
    st.sampled_from(
        [
            datetime(2026, 3, 27, tzinfo=UTC),
            datetime(2026, 4, 1, tzinfo=UTC),
            datetime(2026, 10, 23, tzinfo=UTC),
        ]
    ),
    minutes,
)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("received", "due", "goal"),
    [
        ("2026-06-10 12:00", "2026-06-10 12:15", "first_response"),
        # The clock stands while the window is shut.
        ("2026-06-10 19:50", "2026-06-11 08:05", "first_response"),
        # The window's end is already outside it; its start is inside.
        ("2026-06-10 20:00", "2026-06-11 09:00", "opening"),
        ("2026-06-10 08:00", "2026-06-10 08:15", "first_response"),
        ("2026-06-10 03:00", "2026-06-10 09:00", "opening"),
        # Over both clock changes the next morning still opens at 08:00.
        ("2026-03-28 19:50", "2026-03-29 08:05", "first_response"),
        ("2026-03-29 02:59", "2026-03-29 09:00", "opening"),
        ("2026-10-24 19:50", "2026-10-25 08:05", "first_response"),
        ("2026-10-25 00:30", "2026-10-25 09:00", "opening"),
    ],
)
def test_answers_of_a_daytime_queue_are_due(received, due, goal):
    found = first_response_due(DAYTIME, GOAL, OPENING, local(received))
    assert (found.at, found.goal) == (local(due), goal)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-04-02 16:55", "2026-04-07 09:10"),  # Maundy Thursday to Easter Tuesday
        ("2026-04-03 11:00", "2026-04-07 10:00"),  # on Good Friday
        ("2026-06-12 16:50", "2026-06-15 09:05"),  # Friday to Monday
    ],
)
def test_holidays_and_weekends_stop_the_clock_of_an_office_queue(received, due):
    assert first_response_due(OFFICE, GOAL, OPENING, local(received)).at == local(due)


@laws
@given(received=instants, window=st.sampled_from([DAYTIME, OFFICE, ServiceWindow.always()]))
def test_the_deadline_leaves_exactly_the_promised_time(received, window):
    due = first_response_due(window, GOAL, OPENING, received)
    if is_open(window, received):
        assert due.goal == "first_response"
        assert open_seconds(window, received, due.at) == 900
    else:
        assert due.goal == "opening"
        assert due.at - next_opening(window, received) == timedelta(hours=1)


@laws
@given(received=instants, later=st.integers(1, 600))
def test_within_a_window_who_comes_first_is_due_first(received, later):
    second = received + timedelta(minutes=later)
    first_due = first_response_due(OFFICE, GOAL, OPENING, received)
    second_due = first_response_due(OFFICE, GOAL, OPENING, second)
    if first_due.goal == second_due.goal:
        assert first_due.at <= second_due.at


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"threshold_s": 0}, "threshold_s is 0"),
        ({"share": 1.0}, "share is 1.0"),
        ({"share": 0.0}, "share is 0.0"),
    ],
)
def test_a_goal_nobody_could_mean_is_refused(values, told):
    with pytest.raises(DataError, match=told):
        ServiceGoal(**values)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"continue_p": 1.0}, "continue_p is 1.0"),
        ({"concurrency_max": 0}, "concurrency_max is 0"),
        ({"first_touch": Duration(0.0, 0.0)}, "first_touch must take some time"),
    ],
)
def test_a_work_law_without_work_or_end_is_refused(values, told):
    with pytest.raises(DataError, match=told):
        WorkLaw(**values)


@pytest.mark.parametrize(
    ("mean_s", "cv"), [(-1.0, 0.5), (math.inf, 0.5), (math.nan, 0.5), (60.0, math.nan)]
)
def test_a_duration_that_cannot_be_is_refused(mean_s, cv):
    with pytest.raises(DataError, match="is negative or not finite"):
        Duration(mean_s, cv)


@pytest.mark.parametrize("cases", [(0.0,), (8.0, -1.0), (math.nan,), (8.0, math.inf)])
def test_a_productivity_that_cannot_be_is_refused(cases):
    with pytest.raises(DataError, match="productivity"):
        WorkLaw(productivity=cases)


PROMISE = ServiceGoal()
ROOMY = OpeningGoal(3600, 0.9)


@pytest.mark.parametrize(
    ("goals", "opening", "words"),
    [
        ((PROMISE, ServiceGoal(threshold_s=1800, share=0.8)), ROOMY, "within 1800 s adds nothing"),
        ((PROMISE, PROMISE), ROOMY, "adds nothing"),
        ((PROMISE, ServiceGoal(scope="day")), ROOMY, "adds nothing"),
        ((PROMISE, ServiceGoal("resolution", 600, 0.5)), ROOMY, "is sooner than"),
        ((PROMISE,), OpeningGoal(600, 0.9), "the opening goal, 600 s"),
    ],
)
def test_goals_that_swallow_or_contradict_each_other_are_told_once(goals, opening, words):
    (told,) = goal_doubts(goals, opening, shuts=True)
    assert words in told


@pytest.mark.parametrize(
    "goals",
    [
        (PROMISE,),
        (PROMISE, ServiceGoal(threshold_s=1800, share=0.95)),
        (ServiceGoal(scope="day"), ServiceGoal(threshold_s=1800, scope="interval")),
        (PROMISE, ServiceGoal("next_reply", 900, 0.8), ServiceGoal("resolution", 3600, 0.8)),
    ],
)
def test_goals_that_each_ask_for_something_are_left_alone(goals):
    assert goal_doubts(goals, ROOMY, shuts=True) == []
    assert goal_doubts(goals, OpeningGoal(60, 0.9), shuts=False) == []


@laws
@given(p=st.floats(0.0, 0.9), first=st.floats(1.0, 600.0), follow=st.floats(0.0, 600.0))
def test_the_handling_time_is_the_sum_over_all_replies(p, first, follow):
    law = WorkLaw(Duration(first, 0.5), Duration(follow, 0.5), continue_p=p)
    witness = first + sum(follow * p**n for n in range(1, 2000))
    assert law.aht_s == pytest.approx(witness, rel=1e-9)
