"""What goals take: their work, how many messages wait, and the best that can be promised."""

from __future__ import annotations

import numpy as np
import pytest

from scheduling.queueing.replies import best_share, budget_s, replies_of
from wfm.sla import Duration, ServiceGoal, WorkLaw

LAW = WorkLaw(first_touch=Duration(180.0, 0.5), follow_up=Duration(120.0, 0.8), continue_p=0.6)


def sampled(cases: int = 60_000) -> np.ndarray:
    """Work on whole cases, drawn message by message."""
    rng = np.random.default_rng(1)

    def draws(law: Duration, count: int) -> np.ndarray:
        variance = np.log1p(law.cv**2)
        return rng.lognormal(np.log(law.mean_s) - variance / 2, np.sqrt(variance), count)

    later = rng.geometric(1 - LAW.continue_p, cases) - 1
    work = draws(LAW.first_touch, cases)
    np.add.at(work, np.repeat(np.arange(cases), later), draws(LAW.follow_up, int(later.sum())))
    return work


@pytest.mark.parametrize("metric", ["first_response", "next_reply", "resolution"])
def test_the_points_are_all_cases_and_have_the_mean_of_the_law(metric):
    replies = replies_of(metric, LAW)
    mean = {"first_response": 180.0, "next_reply": 120.0, "resolution": LAW.aht_s}[metric]
    assert replies.weight.sum() == pytest.approx(1.0)
    assert replies.weight @ replies.touch_s == pytest.approx(mean, rel=0.02)


def test_a_resolution_waits_once_for_each_message():
    replies = replies_of("resolution", LAW)
    assert replies.weight @ replies.parts == pytest.approx(1 / (1 - 0.6), rel=1e-3)


@pytest.mark.parametrize("within_s", [300, 600, 1200])
def test_the_best_share_of_resolutions_is_that_of_drawn_cases(within_s):
    drawn = (sampled() <= within_s).mean()
    assert best_share("resolution", LAW, within_s) == pytest.approx(drawn, abs=0.01)


def test_a_case_of_one_message_is_resolved_by_its_first_reply():
    once = WorkLaw(continue_p=0.0)
    assert best_share("resolution", once, 240) == pytest.approx(
        best_share("first_response", once, 240)
    )
    assert set(replies_of("resolution", once).parts) == {1.0}


def test_a_resolutions_time_is_shared_by_the_messages_most_cases_need():
    goal = ServiceGoal("resolution", 3600, 0.9)
    assert budget_s(goal, LAW) == pytest.approx((3600 - 180 - 4 * 120) / 5)
    assert budget_s(ServiceGoal("next_reply", 3600, 0.9), LAW) == 3600.0
    assert budget_s(ServiceGoal("resolution", 60, 0.9), LAW) == 0.0
