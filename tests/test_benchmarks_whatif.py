"""The what-if benchmarks ask a desk that keeps its rules and promises, and judge by fresh days."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks import spike, whatif, whatiftruth
from benchmarks.whatifdemand import days_around
from benchmarks.whatifrota import END, START
from benchmarks.whatifworld import World, make_world
from scheduling.check import check_roster
from scheduling.simulation.attainment import attainment_by_interval
from scheduling.simulation.simulate import simulate
from scheduling.whatif.evaluate import evaluate
from scheduling.whatif.results import Repair
from scheduling.whatif.scenario import Extra, Policy, Scenario, Surge
from wfm.errors import RequestError
from wfm.paths import Paths
from wfm.timegrid import INTERVAL


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(24, 3, seed=2)


# -- the desk -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("agents", "queues"), [(20, 6), (45, 4)])
def test_a_desk_of_any_size_keeps_every_rule_of_its_contracts(agents: int, queues: int):
    desk = make_world(agents, queues, seed=agents)
    assert (len(desk.agents), len(desk.brand.queues)) == (agents, queues)
    broken = check_roster(
        desk.roster, desk.brand, desk.agents, start=START, end=END, history=desk.history
    )
    assert broken == ()


def test_its_promises_are_kept_as_on_a_planned_desk(world: World):
    names = tuple(q.name for q in world.brand.queues)
    run = simulate(
        world.situation(paths=1).on_shift,
        world.forecast,
        Paths(START, names, days_around(world.mean, 2, 3)),
        world.brand,
        start=START,
        end=END,
        seed=3,
    )
    for queue in names:
        table = attainment_by_interval(run, queue).dropna()
        assert np.average(table["attainment"], weights=table["cases"]) > 0.9


def test_its_people_train_meet_and_stand_by_around_their_shifts(world: World):
    held = set(world.roster["activity"])
    assert {"on_queue", "break", "meal", "training", "meeting", "standby"} <= held
    # What began on the evening before is history, and is worked on the first morning.
    begins = world.history.groupby("agent_id")["start"].min()
    assert (begins < pd.Timestamp(START)).all()
    assert (world.history["end"] > pd.Timestamp(START)).any()


def test_its_days_scatter_around_the_forecast_and_hang_on_the_seed(world: World):
    days = days_around(world.mean, 40, 1)
    assert days.sum() / 40 == pytest.approx(world.mean.sum(), rel=0.03)
    assert (days == days_around(world.mean, 40, 1)).all()
    assert (days != days_around(world.mean, 40, 2)).any()


def test_a_desk_that_is_too_small_for_its_languages_is_told_how_many_it_wants():
    with pytest.raises(RequestError, match="take 50 or more"):
        make_world(30, 20)


# -- times and agreement --------------------------------------------------------------------------


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setattr(whatif, "make_world", lambda *_args, **_named: world)
    monkeypatch.setattr(whatif, "QUICK_RUNS", 2)
    monkeypatch.setattr(whatif, "REPLICATIONS", 3)


@pytest.mark.usefixtures("tiny")
def test_the_rows_hold_every_step_and_the_agreement_with_28_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "figures.json"
    monkeypatch.setattr(sys, "argv", ["whatif", "--quick", "--json", str(file)])
    whatif.main()
    written = json.loads(file.read_text())
    assert all(tuple(row) == whatif.COLUMNS for row in written["rows"])
    steps = [row["step"] for row in written["rows"]]
    assert steps[:2] == ["baseline and scenario", "another spike"]
    assert all(0 < row["p50_s"] <= row["p95_s"] for row in written["rows"])
    (compared,) = written["agreement"]
    assert compared["same_draws"] < 0.1
    assert compared["what_if"] == pytest.approx(compared["from_scratch"], abs=0.1)
    assert "sizes:" in capsys.readouterr().out


def test_a_spike_is_simulated_from_scratch_as_the_what_if_has_it(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(whatif, "REPLICATIONS", 6)
    at = START + timedelta(days=2, hours=12)
    scenario = Scenario(surges=(Surge(at, 120, ("x_en",), 6.0),))
    situation = world.situation(paths=6)
    found = evaluate(situation, scenario, replications=6)
    told = whatif.agreement(world, situation, found)
    assert told["what_if"] < found.overall.attainment_before - 0.05
    assert told["28_days"] == pytest.approx(told["what_if"], abs=0.02)
    assert told["from_scratch"] == pytest.approx(told["what_if"], abs=0.1)
    assert told["inside_band"] > 0.8


def test_spikes_come_at_times_from_which_the_desk_can_recover(world: World):
    surges = [s.surges[0] for s in whatif.spikes(world, 30, 5)]
    assert len({(s.start, s.queues) for s in surges}) > 25
    assert all(s.start + timedelta(days=whatif.LAST_DAYS) <= END for s in surges)
    assert not any("email" in queue for s in surges for queue in s.queues)
    half = whatif.half_as_high(Scenario(surges=(surges[0],)))
    assert half.surges[0].factor == 2.5


# -- the truth of the ranking ---------------------------------------------------------------------


def more_people(at: Any, heads: int) -> Repair:
    does = Scenario(extra=(Extra(at, at + timedelta(hours=4), heads, ("x_en",)),))
    return Repair(f"extra-{heads}", "call_in", f"{heads} more", "", does, 4.0 * heads, heads)


def test_what_a_repair_avoids_is_what_the_evaluation_of_both_together_says(world: World):
    at = START + timedelta(days=2, hours=12)
    scenario = Scenario(surges=(Surge(at, 120, ("x_en",), 6.0),))
    policy = Policy(at, at + timedelta(hours=8), spike_mode=True)
    repairs = [
        more_people(at, 2),
        more_people(at, 8),
        Repair("spike", "policy", "spike mode", "", Scenario(policies=(policy,)), 0.0, 0),
    ]
    situation = world.situation(paths=6)
    broken, minutes = whatiftruth.avoided(situation, scenario, repairs, days=6)
    assert 0 < minutes[0] < minutes[1] <= broken
    assert minutes[2] > 0
    together = replace(scenario, extra=repairs[1].does.extra)
    alone, with_it = (
        evaluate(situation, one, replications=6).overall.breach_min_after
        for one in (scenario, together)
    )
    assert minutes[1] == pytest.approx(alone - with_it, abs=0.05 * alone)


def test_a_random_scenario_breaks_a_promise_and_is_the_same_for_its_number(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(whatiftruth, "DAYS_RANKED", 4)
    situation = world.situation(paths=4)
    one, again, other = (whatiftruth.breaking(world, situation, 1, number) for number in (0, 0, 1))
    assert one.scenario == again.scenario != other.scenario
    effect = one.overall
    assert effect.breach_min_after - effect.breach_min_before > whatiftruth.BROKEN_MIN


def test_the_first_deserves_the_rank_after_those_that_are_worth_more():
    worths = [[3.0, 4.0, 5.0], [3.0, 3.0], [3.0, 1.0], []]
    assert [whatiftruth.rank_of_first(np.array(worth)) for worth in worths] == [3, 1, 1, 0]


def a_row(task: tuple[int, int, int, int]) -> dict[str, Any]:
    ranks = (1, 4, 2)
    told = (f"{task[0]}: Mon", 90.0, 25, "this", ranks[task[0] % 3], "that", 1.0, 0.1, task[0] % 2)
    return dict(zip(whatiftruth.COLUMNS, told, strict=True))


def test_a_run_goes_on_where_it_was_left_and_tells_the_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: list[int] = []

    def rows(tasks: list[tuple[int, int, int, int]]) -> Iterator[dict[str, Any]]:
        seen.extend(task[0] for task in tasks)
        return map(a_row, tasks)

    monkeypatch.setattr(whatiftruth, "all_judged", rows)
    file = tmp_path / "truth.json"
    for count in ("2", "3", "3"):
        monkeypatch.setattr(
            sys, "argv", ["truth", "--quick", "--scenarios", count, "--json", str(file)]
        )
        whatiftruth.main()
    assert seen == [0, 1, 2]
    (share,) = json.loads(file.read_text())["share"]
    assert share["scenarios"] == 3
    assert share["among_best_3"] == pytest.approx(2 / 3)
    assert share["paid_among_best_3"] == 1.0
    monkeypatch.setattr(
        sys, "argv", ["truth", "--quick", "--seed", "2", "--scenarios", "1", "--json", str(file)]
    )
    whatiftruth.main()
    assert seen == [0, 1, 2, 0]


# -- the unplanned spike --------------------------------------------------------------------------


def test_the_order_of_work_saves_most_of_a_spike_and_people_save_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(spike, "DAYS_QUICK", 6)
    file = tmp_path / "spike.json"
    monkeypatch.setattr(sys, "argv", ["spike", "--quick", "--json", str(file)])
    spike.main()
    rows = json.loads(file.read_text())["rows"]
    for name in spike.SPIKES:
        of = {row["policy"]: row for row in rows if row["spike"] == name}
        assert list(of) == [answer.policy for answer in spike.answers()]
        shares = [of[f"spike mode, {r}"]["day"] for r in ("0%", "10%", "20%", "50%")]
        assert of["fifo"]["day"] < shares[3] < shares[2] < shares[1] < shares[0]
        assert of["fifo"]["day"] == of["live"]["day"]
        sooner, later = (of[f"+100% after {m} min, spike mode"] for m in (30, 60))
        assert of["spike mode, 20%"]["day"] < later["day"] < sooner["day"]
        assert sooner["extra_h"] > later["extra_h"] > 0 == of["fifo"]["extra_h"]


def test_three_times_as_many_cases_come_for_two_hours_and_no_longer():
    surge = spike.spike_at(spike.SPIKES["20:00"])
    place = spike.place_of(surge)
    assert place.stop - place.start == timedelta(hours=2) / INTERVAL
    usual, comes = spike.day.contacts(), spike.spiked(surge, replications=60, seed=1).contacts
    of_day = comes[:, spike.day.BEFORE : -spike.day.AFTER, 0].mean(axis=0)
    assert of_day[place].sum() == pytest.approx(3 * usual[place].sum(), rel=0.02)
    assert of_day.sum() - of_day[place].sum() == pytest.approx(
        usual.sum() - usual[place].sum(), rel=0.02
    )
