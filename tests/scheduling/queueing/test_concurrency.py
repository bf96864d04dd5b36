"""The productivity of agents who hold several conversations."""

from __future__ import annotations

from itertools import pairwise

import pytest

from scheduling.queueing.concurrency import handle_time_s, is_held, stretch, utilisation
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
