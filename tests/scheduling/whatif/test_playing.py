"""A scenario in the simulator's terms: exactly its hours, its queues and its people."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from whatifdesk import QUEUES, a_brand, a_situation, at

from scheduling.simulation.dispatch import NEVER
from scheduling.whatif.evaluate import evaluate, played
from scheduling.whatif.playing import brand_of, dispatch_under, people, prepared
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
from scheduling.whatif.window import Window
from wfm.brands import Planning
from wfm.timegrid import INTERVAL

SURGE = Surge(at(18), 120, ("x",), 6.0)


@pytest.fixture(scope="module")
def desk():
    return a_situation(paths=6)


# -- rules ---------------------------------------------------------------------------------------


def test_a_policy_holds_in_its_hours_on_its_queues_and_later_ones_go_over_it():
    policies = (
        Policy(at(2), at(4), ("x",), spike_mode=True, reserve=0.5, automatic=0.5, put_off_min=30),
        Policy(at(3), at(5), spike_mode=False, automatic=0.2, put_off_min=10),
        Policy(at(4), at(6), ("email",), spike_mode=True, reserve=0.0),
        Policy(at(5), at(6), ("x",), automatic=0.1),
    )
    dispatch = dispatch_under(a_brand(), Scenario(policies=policies), at(1), at(8))
    by_hour = slice(None, None, 4)
    x, facebook, email = range(3)
    assert dispatch.late_every[by_hour, x].tolist() == [0, 2, 0, 0, 0, 0, 0]
    assert dispatch.late_every[by_hour, email].tolist() == [0, 0, 0, NEVER, NEVER, 0, 0]
    assert not dispatch.late_every[:, facebook].any()
    assert dispatch.put_off_s[by_hour, x].tolist() == [0, 1800, 1800, 600, 0, 0, 0]
    assert dispatch.put_off_s[by_hour, facebook].tolist() == [0, 0, 600, 600, 0, 0, 0]
    # What one automatic answer leaves, another may still answer.
    assert dispatch.answered[by_hour, x] == pytest.approx([0, 0.5, 0.6, 0.2, 0.1, 0, 0])
    assert dispatch.answered[by_hour, email] == pytest.approx([0, 0, 0.2, 0.2, 0, 0, 0])
    assert (np.repeat(dispatch.answered[by_hour], 4, axis=0) == dispatch.answered).all()


def test_other_promises_and_shrinkage_leave_what_they_do_not_name():
    brand = a_brand(Planning(0.1, 0.05))
    scenario = Scenario(goals=(Goal("x", share=0.7), Goal("email", threshold_s=7200)))
    x, facebook, email = brand_of(brand, scenario, QUEUES).queues
    usual = brand.queues[0].promise
    assert (x.promise.share, x.promise.threshold_s) == (0.7, usual.threshold_s)
    assert (email.promise.share, email.promise.threshold_s) == (usual.share, 7200)
    assert facebook == brand.queues[1]
    shares = {Shrinkage(planned=0.3): (0.3, 0.05), Shrinkage(unplanned=0.2): (0.1, 0.2)}
    for shrinkage, told in shares.items():
        planning = brand_of(brand, Scenario(shrinkage=shrinkage), QUEUES).planning
        assert (planning.planned_shrinkage, planning.unplanned_shrinkage) == told


def test_handling_takes_longer_in_its_hours_on_its_queues(desk):
    parts = (Handling(at(16), at(18), 2.0, ("x",)), Handling(at(17), at(19), 1.5))
    usual, slower = (
        prepared(desk, scenario, at(12), at(24), QUEUES, replications=1).scale
        for scenario in (Scenario(), Scenario(handling=parts))
    )
    by_hour = (slower / usual).reshape(12, 4, 3)
    assert by_hour[:, :, 0] == pytest.approx(
        np.repeat([1, 1, 1, 1, 2, 3, 1.5, 1, 1, 1, 1, 1], 4).reshape(12, 4)
    )
    assert by_hour[:, 0, 2] == pytest.approx([1, 1, 1, 1, 1, 1.5, 1.5, 1, 1, 1, 1, 1])


# -- who is there --------------------------------------------------------------------------------


def spans(table, agent_id):
    """Of an agent's first late shift: from, to, what else."""
    mine = table[(table["agent_id"] == agent_id) & (table["start"] < pd.Timestamp(at(24)))]
    return [
        (row.start.to_pydatetime(), row.end.to_pydatetime(), row.queues, round(row.away, 3))
        for row in mine.sort_values("start").itertuples()
    ]


def test_absence_lies_in_its_hours_alone(desk):
    absences = (
        Absence(at(18), at(20), 0.5, ("s20",)),
        Absence(at(19), at(21), 0.2),
        Absence(at(30), at(31), agents=("s20",)),
    )
    there = people(desk, Scenario(absences=absences), at(12), at(24))
    own = "facebook x"
    assert spans(there, "s21") == [
        (at(16), at(18), own, 0.0),
        (at(18), at(19), own, 0.5),
        (at(19), at(20), own, 0.6),
        (at(20), at(21), own, 0.2),
        (at(21), at(24), own, 0.0),
    ]
    assert [(a, b) for a, b, *_ in spans(there, "s20")] == [
        (at(16), at(18)), (at(20), at(21)), (at(21), at(24)),
    ]  # fmt: skip


def test_who_is_lent_serves_the_other_queue_too_and_only_meanwhile(desk):
    loan = Loan(at(18), at(20), ("m20",), ("x",))
    there = people(desk, Scenario(loans=(loan,)), at(12), at(24))
    assert spans(there, "m20") == [
        (at(16), at(18), "email", 0.0),
        (at(18), at(20), "email x", 0.0),
        (at(20), at(24), "email", 0.0),
    ]
    assert spans(there, "m21") == [(at(16), at(24), "email", 0.0)]


def test_more_people_are_there_in_their_hours_and_paid(desk):
    scenario = Scenario(extra=(Extra(at(18), at(20.5), 3, ("x",)), Extra(at(18), at(18), 4)))
    there = people(desk, scenario, at(12), at(24))
    more = there[there["agent_id"].str.startswith("extra")]
    assert len(there) - len(more) == len(people(desk, Scenario(), at(12), at(24)))
    assert len(more) == more["agent_id"].nunique() == 3
    assert {*zip(more["start"], more["end"], more["queues"], more["slots"], strict=True)} == {
        (pd.Timestamp(at(18)), pd.Timestamp(at(20.5)), "x", 1)
    }
    assert evaluate(desk, scenario, replications=2).paid_hours == 7.5


# -- what is told of it --------------------------------------------------------------------------


def test_the_window_grows_until_the_desk_is_on_time_again(desk):
    short = Window(at(12), at(24), ("x", "facebook"))
    beside = played(desk, Scenario(surges=(SURGE,)), short, replications=6)
    assert beside.window.end > at(24)
    assert beside.before.backlog.shape == beside.after.backlog.shape
    calm = played(desk, Scenario(surges=(Surge(at(18), 15, ("x",), 1.1),)), short, replications=6)
    assert calm.window == short


def test_the_worst_of_a_figure_stands_where_its_curve_is_highest(desk):
    found = evaluate(desk, Scenario(surges=(SURGE,)), replications=6)
    for effect in found.effects[:2]:
        curve = found.table[found.table["queue"] == effect.queue].set_index("start")
        for figure in ("backlog_after", "age_s_after"):
            peak = getattr(effect, figure)
            # Curves tell what waits at the end of each quarter-hour.
            assert curve[figure][pd.Timestamp(peak.at - INTERVAL)] == peak.value
            assert curve[figure].max() == peak.value
    everybody = found.table[found.table["queue"] == ""]
    for side in ("before", "after"):
        low, high = (everybody[f"backlog_{side}_{end}"] for end in ("low", "high"))
        assert (low <= high).all()
        assert (high - low).max() > 1
