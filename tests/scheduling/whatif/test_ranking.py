"""Repairs are ranked by what they avoid for their work, and what is needed of them is simulated."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from whatifdesk import START, a_situation, at

from scheduling.editing.changes import Change, Segment
from scheduling.whatif.bench import FEW
from scheduling.whatif.evaluate import evaluate
from scheduling.whatif.ranking import HEATS, ranked_repairs
from scheduling.whatif.results import DECIDING_H, TELLING_H, Refusal, Repair
from scheduling.whatif.scenario import Extra, Loan, Policy, Scenario, Surge, joined
from scheduling.whatif.window import window_of
from wfm.errors import RequestError

SPIKE = Scenario("spike", (Surge(at(18), 120, ("x",), 5.0),))
REPLICATIONS = 24


def extra(heads: int, hours: float = 4.0, *, name: str = "") -> Repair:
    does = Scenario(extra=(Extra(at(18.5), at(18.5 + hours), heads, ("x",)),))
    name = name or f"extra-{heads}-{hours:g}"
    return Repair(name, "call_in", f"{heads} more", "", does, heads * hours, heads)


def policy(kind: str, **changes: object) -> Repair:
    does = Scenario(policies=(Policy(at(18), at(24), ("x",), **changes),))
    name = "-".join([kind, *map(str, changes.values())])
    return Repair(name, kind, name, "", does, 0.0, 0)


def stays(agent_id: str, hours: float) -> Repair:
    shift = Segment(at(16), at(24), "on_queue", "", "day8")
    change = Change(agent_id, START.date(), (shift,), (replace(shift, end=at(24 + hours)),))
    return Repair(f"{agent_id}-{hours}", "overtime", "", "", Scenario(changes=(change,)), hours, 1)


USELESS = Repair(
    "loan", "loan", "somebody who is not there", "",
    Scenario(loans=(Loan(at(18), at(24), ("m00",), ("x",)),)), 0.0, 1,
)  # fmt: skip
CANDIDATES = (
    extra(1), extra(2), extra(4), extra(8), extra(2, 8.0), USELESS,
    policy("policy", spike_mode=True), policy("automatic", automatic=0.1),
    policy("automatic", automatic=0.2), stays("s20", 2.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def desk():
    return a_situation(paths=REPLICATIONS)


def test_what_a_repair_does_before_the_scenario_and_after_it_is_played_too(desk):
    early, late = (Scenario(extra=(Extra(at(h), at(h + 2), 1, ("x",)),)) for h in (5, 44))
    usual, wide = (window_of(desk, SPIKE, repairs=r) for r in ((), (early, late)))
    assert (usual.start, wide.start) == (at(12), at(0))
    assert usual.end < wide.end == at(49)
    assert wide.queues == usual.queues == ("x", "facebook")


@pytest.fixture(scope="module")
def found(desk):
    return ranked_repairs(desk, SPIKE, CANDIDATES, replications=REPLICATIONS)


def test_every_candidate_is_ranked_by_minutes_avoided_for_its_work(found):
    assert {r.repair.repair_id for r in found.ranked} == {c.repair_id for c in CANDIDATES}
    worth = [
        (r.avoided_min - (r.avoided_se if r.days < REPLICATIONS else 0)) / r.repair.effort_h
        for r in found.ranked
    ]
    assert worth == sorted(worth, reverse=True)
    for r in found.ranked:
        work = r.repair.staff_hours + TELLING_H * r.repair.people + DECIDING_H
        assert r.per_hour == pytest.approx(r.avoided_min / work)


def test_what_the_first_ones_avoid_is_what_an_evaluation_says(desk, found):
    plain = evaluate(desk, SPIKE, replications=REPLICATIONS)
    for r in found.ranked[:3]:
        told = evaluate(desk, joined(SPIKE, r.repair.does), replications=REPLICATIONS)
        avoided = plain.overall.breach_min_after - told.overall.breach_min_after
        assert r.avoided_min == pytest.approx(avoided, rel=0.05, abs=5)
        assert r.attainment == pytest.approx(told.overall.attainment_after, abs=0.08)


def test_more_hands_avoid_more_and_who_is_not_there_avoids_nothing(found):
    avoided = {r.repair.repair_id: r.avoided_min for r in found.ranked}
    assert avoided["extra-1-4"] < avoided["extra-2-4"] < avoided["extra-4-4"]
    assert avoided["extra-4-4"] <= avoided["extra-8-4"]
    assert abs(avoided["loan"]) < 10
    assert avoided["automatic-0.2"] > avoided["automatic-0.1"] > 10


def test_the_set_restores_the_promise_and_no_member_is_needless(desk, found):
    together = found.together
    assert together is not None
    assert together.restores
    assert together.attainment > 0.9
    scenario = SPIKE
    for repair in together.repairs:
        scenario = joined(scenario, repair.does)
    told = evaluate(desk, scenario, replications=REPLICATIONS)
    cost = found.breach_min - found.breach_min_before
    assert told.overall.breach_min_after - told.overall.breach_min_before <= 0.15 * cost
    assert together.effort_h == pytest.approx(sum(r.effort_h for r in together.repairs))
    # Two sizes of one automatic answer are no two repairs.
    kinds = [r.kind for r in together.repairs if r.does.policies]
    assert len(kinds) == len(set(kinds))


def test_what_the_others_make_needless_is_left_out_of_the_set(desk):
    # A few automatic answers avoid most for their work, and not enough; so many people restore all.
    few, many = policy("automatic", automatic=0.03), extra(14, 8.0)
    found = ranked_repairs(desk, SPIKE, (few, many), replications=12)
    assert [r.repair for r in found.ranked] == [few, many]
    assert [r.restores for r in found.ranked] == [False, True]
    assert found.together is not None
    assert found.together.repairs == (many,)
    assert found.together.effort_h == many.effort_h


def test_nobody_stays_for_two_lengths_at_once_in_the_set(desk):
    def all_stay(hours: float) -> Repair:
        each = [stays(f"s2{n}", hours).does for n in range(8)]
        changes = tuple(change for does in each for change in does.changes)
        return Repair(f"all-{hours}", "overtime", "", "", Scenario(changes=changes), 8 * hours, 8)

    found = ranked_repairs(desk, SPIKE, (all_stay(1.0), all_stay(2.0)), replications=12)
    assert all(r.avoided_min > 2 * r.avoided_se for r in found.ranked)
    assert found.together is not None
    assert not found.together.restores
    assert len(found.together.repairs) == 1


def test_effects_together_are_simulated_and_not_added_up(desk):
    both = (policy("automatic", automatic=0.2), extra(4))
    found = ranked_repairs(desk, SPIKE, both, replications=REPLICATIONS)
    assert found.together is not None
    if len(found.together.repairs) > 1:
        assert found.together.avoided_min < found.together.summed_min
    alone = [r.avoided_min for r in found.ranked]
    assert found.together.avoided_min <= found.breach_min
    assert sum(alone) > found.breach_min - found.breach_min_before


def test_the_best_are_played_on_all_days_and_the_rest_on_few(found):
    days = [r.days for r in found.ranked]
    last = HEATS[-1]
    assert set(days[: last.best]) == {REPLICATIONS}
    paid = [r.days for r in found.ranked if r.repair.staff_hours > 0]
    assert set(paid[: last.paid]) == {REPLICATIONS}
    assert min(days) == FEW


def test_where_nothing_is_broken_nothing_is_put_together(desk):
    calm = Scenario("calm", (Surge(at(18), 60, ("x",), 1.1),))
    found = ranked_repairs(desk, calm, CANDIDATES[:2], replications=8)
    assert found.together is None
    assert found.breach_min == pytest.approx(found.breach_min_before, abs=1.0)


def test_without_candidates_there_is_still_an_answer(desk):
    refused = (Refusal("overtime", "stay", "they have worked 10 hours"),)
    found = ranked_repairs(desk, SPIKE, (), refused=refused, replications=6)
    assert (found.ranked, found.refused, found.together) == ((), refused, None)
    assert found.breach_min > found.breach_min_before


def test_the_same_seed_gives_the_same_ranking(desk, found):
    again = ranked_repairs(
        a_situation(paths=REPLICATIONS), SPIKE, CANDIDATES, replications=REPLICATIONS, threads=1
    )
    assert replace(again, seconds=0.0) == replace(found, seconds=0.0)


def test_a_repair_of_a_day_that_the_scenario_has_changed_is_refused(desk):
    scenario = joined(SPIKE, stays("s20", 1.0).does)
    with pytest.raises(RequestError, match="s20 does on 2026-03-02"):
        ranked_repairs(desk, scenario, (stays("s20", 2.0),), replications=4)


def test_progress_goes_up_and_a_cancel_ends_it(desk):
    told: list[float] = []
    ranked_repairs(
        desk, SPIKE, CANDIDATES[:3], replications=8, progress=lambda done, _: told.append(done)
    )
    assert told == sorted(told)
    assert told[-1] == 1.0

    class Stop(Exception):
        pass

    def stop(done: float, stage: str) -> None:
        if done > 0.3:
            raise Stop

    with pytest.raises(Stop):
        ranked_repairs(desk, SPIKE, CANDIDATES, replications=8, progress=stop)
