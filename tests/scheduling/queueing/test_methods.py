"""Methods by name: where they must agree, and on which side the others err."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from scheduling.queueing.methods import METHODS, follow_goals, load_of
from wfm.sla import Duration, ServiceGoal, WorkLaw

HALF_DAY = 48


@pytest.fixture
def needed(make_queue, make_desk):
    def of(method: str, contacts, **changes):
        queue = make_queue(**{"work": WorkLaw(continue_p=0.0), **changes})
        contacts = np.asarray(contacts, float)
        ones, start = np.ones(contacts.size), make_desk(0.0).start
        way = METHODS[method]
        end = start + timedelta(minutes=15 * contacts.size)
        load = load_of(way, contacts, ones, queue, start=start, end=end)
        needs = way.needs(queue, load, ones, ones)
        return load, np.maximum(needs.first, needs.follow)

    return of


def test_constant_load_of_one_class_makes_all_but_the_fluid_and_erlang_a_alike(needed):
    flat = np.full(HALF_DAY, 40.0)
    exact = {name: needed(name, flat)[1][-1] for name in METHODS}
    assert exact["lagged_mol"] == pytest.approx(exact["erlang_c"], rel=1e-4)
    assert exact["mol"] == pytest.approx(exact["erlang_c"], rel=1e-4)
    assert exact["uniformisation"] == np.ceil(exact["erlang_c"])
    assert exact["erlang_a"] <= exact["erlang_c"]
    assert exact["fluid"] == pytest.approx(8.0)


def test_the_lagged_load_follows_the_arrivals_later(needed):
    step = np.r_[np.full(24, 10.0), np.full(24, 40.0)]
    early, late = (needed(name, step)[0].erlangs for name in ("mol", "lagged_mol"))
    assert early[24] > late[24]
    assert early[-1] == pytest.approx(late[-1], rel=1e-3)


def test_the_first_replies_and_the_rest_make_the_load(needed):
    for name in METHODS:
        load, _ = needed(name, np.full(96, 20.0), work=WorkLaw())
        assert load.first[-1] == pytest.approx(20 * 180 / 900, rel=0.01)
        assert load.erlangs[-1] == pytest.approx(20 * WorkLaw().aht_s / 900, rel=0.01)
        assert load.arriving[-1] == pytest.approx(load.erlangs[-1], rel=0.01)


def test_follow_ups_without_a_goal_are_due_within_the_hour(make_queue):
    (plain,) = follow_goals(make_queue())
    assert (plain.metric, plain.threshold_s, plain.share) == ("next_reply", 3600, 0.90)
    goals = (ServiceGoal(), ServiceGoal("next_reply", 1200, 0.8))
    assert follow_goals(make_queue(goals=goals)) == [goals[1]]
    assert follow_goals(make_queue(work=WorkLaw(continue_p=0.0))) == []
    # Nobody promised what writing alone makes impossible.
    assert follow_goals(make_queue(work=WorkLaw(follow_up=Duration(4000.0, 0.5)))) == []
    assert follow_goals(make_queue(), worst=40.0) == []


def test_a_tight_resolution_leaves_less_time_to_put_work_off(needed):
    rising = np.linspace(10, 60, 96)
    quick = (ServiceGoal(), ServiceGoal("resolution", 2400, 0.9))
    loose, tight = (
        needed("lagged_mol", rising, work=WorkLaw(think=Duration(300, 1.0)), goals=goals)[0]
        for goals in ((ServiceGoal(),), quick)
    )
    assert (tight.erlangs > loose.erlangs)[48:].all()
