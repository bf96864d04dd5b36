"""Rules one step looser: each changes one thing, and by itself never asks for more."""

from __future__ import annotations

import pytest

from scheduling.looser import Looser, alternatives, rules_of
from wfm.brands import Brand, Planning, Queue
from wfm.calendars import Hours, ServiceWindow
from wfm.errors import NotFound
from wfm.sla import Duration, ServiceGoal, WorkLaw

OFFICE = ServiceWindow((Hours("UTC", frozenset(range(5)), 540, 1020),))


def looser_of(queue: Queue, planning: Planning | None = None) -> dict[str, Looser]:
    """What can be looser of a brand with this queue, by the words for it."""
    brand = Brand("test", "UTC", (), (queue,), (), (), planning=planning or Planning())
    return {rule.change: rule for rule in rules_of(brand)}


def test_every_rule_of_a_queue_is_made_looser(make_queue):
    goals = (ServiceGoal(), ServiceGoal("resolution", 14_400, 0.8, "day"))
    queue = make_queue("x", goals=goals, minimum_staff=3, window=OFFICE)
    assert list(looser_of(queue)) == [
        "first replies within 15 min: 90% -> 85%",
        "first replies: 15 min -> 20 min",
        "resolution within 4 h: 80% -> 75%",
        "resolution: 4 h -> 8 h",
        "follow-ups: 60 min -> 90 min",
        "after opening: 60 min -> 90 min",
        "minimum staff 3 -> 2",
        "occupancy cap 85% -> 90%",
        "the q80 day -> the median day",
    ]


def test_what_cannot_be_looser_is_not_offered(make_queue):
    """No follow-ups, no minimum, no cap, always open, the median day: the goal alone is left."""
    law = WorkLaw(first_touch=Duration(60, 0.5), continue_p=0.0)
    planning = Planning(0.0, 0.0, occupancy_cap=1.0, risk_quantile=0.5)
    goals = (ServiceGoal(share=0.5, threshold_s=7 * 86_400, scope="day"),)
    queue = make_queue("x", goals=goals, work=law, minimum_staff=0)
    assert looser_of(queue, planning) == {}


@pytest.mark.parametrize(
    ("goal", "changes"),
    [
        (ServiceGoal(share=0.925), "within 15 min: 92.5% -> 90%"),
        (ServiceGoal(share=0.55), "within 15 min: 55% -> 50%"),
        (ServiceGoal(share=0.6, threshold_s=450), "7.5 min -> 10 min"),
        (ServiceGoal(threshold_s=3600), "60 min -> 90 min"),
    ],
)
def test_a_step_leads_to_what_people_promise(make_queue, goal, changes):
    found = looser_of(make_queue("x", goals=(goal,)))
    assert any(change.endswith(changes) for change in found)


def test_a_goal_of_its_own_for_follow_ups_is_the_one_made_looser(make_queue):
    goals = (ServiceGoal(), ServiceGoal("next_reply", 1800, 0.9))
    found = looser_of(make_queue("x", goals=goals))
    assert "follow-ups: 30 min -> 45 min" in found
    assert "follow-ups: 60 min -> 90 min" not in found


def test_each_changes_one_rule(make_queue):
    queue = make_queue("x", minimum_staff=2)
    for rule in looser_of(queue).values():
        (changed,) = rule.brand.queues
        assert (changed != queue) != (rule.brand.planning != Planning()), rule.change


def test_at_a_constant_load_no_looser_rule_asks_for_more(make_desk, make_queue):
    goals = (ServiceGoal(), ServiceGoal("next_reply", 1800, 0.9))
    queue = make_queue("x", goals=goals, minimum_staff=4)
    desk = make_desk(6.0, queue, days=1, day_cv=0.2, paths=60)
    given = desk.forecast, desk.paths, desk.brand
    known = alternatives(*given, start=desk.start, end=desk.end, queue="x")
    for rule, table in known.looser:
        more = table["agents_exact"] - known.own["agents_exact"]
        assert more.max() <= 1e-6, rule.change


def test_of_a_brand_only_the_queue_asked_for_is_made(make_desk, make_queue):
    desk = make_desk(1.0, make_queue("x"), make_queue("y"), paths=30)
    given, span = (desk.forecast, desk.paths, desk.brand), {"start": desk.start, "end": desk.end}
    told: list[float] = []
    known = alternatives(*given, **span, queue="y", progress=lambda done, _: told.append(done))
    assert set(known.own["queue"]) == {"y"}
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    with pytest.raises(NotFound, match="no queue 'z'; test has x, y"):
        alternatives(*given, **span, queue="z")
