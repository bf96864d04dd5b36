"""The productivity of agents who hold several conversations."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.queueing.concurrency import (
    curve_doubts,
    handle_time_s,
    is_held,
    productivity_curve,
    stretch,
    utilisation,
)
from wfm.errors import DemandError
from wfm.sla import Duration, WorkLaw

CHAT = {"work_s": 72.0, "think_s": 180.0, "messages": 2.5}


def chat(slots: int, think_s: float = 180.0) -> WorkLaw:
    return WorkLaw(
        first_touch=Duration(72, 0.5),
        follow_up=Duration(72, 0.5),
        continue_p=0.6,
        think=Duration(think_s, 1.0),
        concurrency_max=slots,
    )


def test_three_chats_at_once_as_published():
    assert utilisation(3, **CHAT) == pytest.approx(0.866, abs=5e-4)
    assert handle_time_s(3, **CHAT) / 60 == pytest.approx(10.40, abs=5e-3)


def test_a_single_chat_lasts_its_work_and_its_thinking():
    # 2.5 messages, 1.5 pauses between them
    assert handle_time_s(1, **CHAT) == pytest.approx(2.5 * 72 + 1.5 * 180)


def test_no_thinking_leaves_no_gain():
    assert utilisation(5, work_s=60, think_s=0, messages=3) == 1.0


def test_little_work_and_long_thinking_gain_in_proportion():
    one, four = (utilisation(k, work_s=0.01, think_s=1000, messages=2) for k in (1, 4))
    assert four / one == pytest.approx(4, rel=1e-3)


def test_more_slots_use_an_agent_better_but_less_and_less():
    used = [utilisation(k, **CHAT) for k in range(1, 9)]
    gains = [b - a for a, b in pairwise(used)]
    assert all(g > 0 for g in gains)
    assert gains == sorted(gains, reverse=True)


def test_parked_conversations_take_their_work_and_no_more():
    assert stretch(chat(1)) == 1.0
    assert stretch(chat(3, think_s=1200)) == 1.0
    assert not is_held(chat(3, think_s=1200))


def test_held_conversations_idle_an_agent():
    assert stretch(chat(3)) == pytest.approx(1 / utilisation(3, **CHAT))


def test_holding_nothing_is_refused():
    with pytest.raises(DemandError, match="at least one conversation"):
        utilisation(0, **CHAT)


def measured(*cases: float, slots: int = 3) -> WorkLaw:
    return replace(chat(slots), productivity=cases)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.floats(0.1, 50), min_size=1, max_size=8))
def test_a_productivity_curve_rises_ever_more_slowly_and_holds_what_was_measured(cases):
    curve = productivity_curve(cases)
    steps = [b - a for a, b in pairwise([0.0, *curve])]
    assert all(a >= b - 1e-9 for a, b in pairwise(steps))
    assert min(steps) >= -1e-9
    assert all(c >= m - 1e-9 for c, m in zip(curve, cases, strict=True))
    assert productivity_curve(curve) == pytest.approx(curve)


def test_a_measured_curve_says_how_long_a_case_takes_an_agent():
    # 15 cases an hour with three open: 240 s of an agent for 180 s of work.
    assert stretch(measured(8, 13, 15)) == pytest.approx(240 / 180)
    assert stretch(measured(8, 13, 15, slots=2)) == pytest.approx(3600 / 13 / 180)
    # More open than measured bring nothing more; parked conversations are not measured so.
    assert stretch(measured(8, 13, slots=3)) == pytest.approx(3600 / 13 / 180)
    assert stretch(replace(measured(8, 13, 15), think=Duration(1200, 1.0))) == 1.0


def test_an_hour_holds_no_more_work_than_an_hour():
    assert stretch(measured(8, 13, 40)) == 1.0


def test_odd_measurements_are_told_with_the_way_out():
    assert curve_doubts(chat(3)) == []
    assert curve_doubts(measured(8, 13, 15)) == []
    for law, words in (
        (measured(8, 13, 12), "read as [8, 13, 13]"),
        (measured(8, 13), "ends at 2 open conversations, 3 are allowed"),
        (measured(8, 13, 40), "20.0 cases an hour"),
        (replace(measured(8, 13, 15), think=Duration(1200, 1.0)), "is not used"),
    ):
        assert words in " ".join(curve_doubts(law))
