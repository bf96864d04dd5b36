"""The desk of the roster benchmark is lawful and fair to ask for, and judged by its own words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import roster, rosterpeers
from benchmarks.rostercheck import Cost, broken, cost, nights_sd
from benchmarks.rosterlp import minimum
from benchmarks.rostermix import make_world
from benchmarks.rosterproblem import problem_of, roster_of
from benchmarks.rosterprogram import load_program, whole_program, worked_in
from benchmarks.rosterworld import (
    DAYS,
    HOURS,
    NIGHTS,
    SKILL_SETS,
    SKILLS,
    TEMPLATES,
    Ints,
    Worker,
    World,
    make_workers,
    night_rates,
)
from scheduling.rostering.engine import EngineLimits, solve

AGENTS = 12
CELLS = len(TEMPLATES) * len(SKILLS)
LIMITS = EngineLimits(sweeps=1, share=1.0, neighbourhoods=1)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(AGENTS, 1)


# -- the desk -------------------------------------------------------------------------------------


def test_a_seed_makes_one_desk_and_another_seed_another(world: World):
    again = make_world(AGENTS, 1)
    assert again.workers == world.workers
    assert (again.wanted == world.wanted).all()
    one, other = (make_workers(AGENTS, np.random.default_rng(seed)) for seed in (1, 2))
    assert one != other


def test_people_are_drawn_in_the_shares_that_are_told():
    workers = make_workers(4000, np.random.default_rng(1))

    def share(holds: Callable[[Worker], bool]) -> float:
        return sum(map(holds, workers)) / len(workers)

    for hours, told in ((8, 0.65), (6, 0.20), (4, 0.15)):
        assert share(lambda w, hours=hours: w.hours == hours) == pytest.approx(told, abs=0.03)
    for skills, told in zip(SKILL_SETS, (0.5, 0.3, 0.2), strict=True):
        assert share(lambda w, s=skills: w.skills == s) == pytest.approx(told, abs=0.03)
    assert share(lambda w: w.part is not None) == pytest.approx(0.2, abs=0.03)
    assert share(lambda w: bool(w.off)) == pytest.approx(0.5, abs=0.03)
    assert share(lambda w: w.nights) == pytest.approx(0.6 * 0.8, abs=0.03)
    assert all(w.max_days in (4, 5) and w.max_run == w.max_days for w in workers)


def test_what_is_wanted_could_be_worked_and_fills_most_of_the_contracts(world: World):
    program = whole_program(world)
    values = minimum(program)
    assert values[program.short].sum() == pytest.approx(0.0, abs=1e-6)
    hours = float((world.wanted * HOURS[:, None]).sum())
    days = sum(
        min(worker.max_days, int(week.sum()))
        for worker in world.workers
        for week in worker.may.any(axis=(1, 2)).reshape(4, 7)
        if worker.hours
    )
    assert 0.75 < hours / (days * 7.2) < 1.0


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 99), st.integers(0, 200), st.integers(0, 200))
def test_fair_shares_add_up_to_the_nights_wanted_and_no_skill_gets_more_than_it_has(
    seed: int, of_a: int, of_b: int
):
    workers = make_workers(30, np.random.default_rng(seed))
    rates = night_rates(workers, np.array([of_a, of_b]))
    fair = {
        skills: sum(rates[skills] * w.night_days for w in workers if w.skills == skills)
        for skills in SKILL_SETS
    }
    able = {
        skills for skills in SKILL_SETS if any(w.night_days for w in workers if w.skills == skills)
    }
    if able != set(SKILL_SETS):
        return
    assert sum(fair.values()) == pytest.approx(of_a + of_b)
    assert fair["A",] <= of_a + 1e-9
    assert fair["B",] <= of_b + 1e-9


# -- the verifier ---------------------------------------------------------------------------------

PLAIN = Worker("Ann", 8, 5, 5, ("A",), nights=True)
AT = {template.name: number * len(SKILLS) for number, template in enumerate(TEMPLATES)}
EARLY, LATE, NIGHT = AT["06-8h"], AT["16-8h"], AT["22-8h"]


def desk(*workers: Worker, wanted: dict[tuple[int, int], int] | None = None) -> World:
    """A desk that wants heads on some (day, cell)s only."""
    heads = np.zeros((DAYS, CELLS), dtype=np.int64)
    for (day, cell), count in (wanted or {}).items():
        heads[day, cell] = count
    return World(1, workers, heads.reshape(DAYS, len(TEMPLATES), len(SKILLS)))


def line(shifts: dict[int, int]) -> Ints:
    cells = np.full((1, DAYS), -1, dtype=np.int64)
    for day, cell in shifts.items():
        cells[0, day] = cell
    return cells


EXAMPLES: dict[str, tuple[Worker, dict[int, int], dict[int, int]]] = {
    # rule: somebody, a line that breaks it, one that keeps it
    "rest": (PLAIN, {0: LATE, 1: EARLY}, {0: LATE, 1: AT["12-8h"]}),
    "max_run": (replace(PLAIN, max_run=4), dict.fromkeys(range(3, 8), EARLY), {0: EARLY, 1: EARLY}),
    "max_days": (PLAIN, dict.fromkeys((0, 1, 2, 4, 5, 6), EARLY), dict.fromkeys(range(5), EARLY)),
    "weekends": (PLAIN, dict.fromkeys((5, 13, 20), EARLY), dict.fromkeys((5, 6, 20), EARLY)),
    "contract": (PLAIN, {0: AT["08-4h"]}, {0: EARLY}),
    "skill": (PLAIN, {0: EARLY + 1}, {0: EARLY}),
    "nights": (replace(PLAIN, nights=False), {0: NIGHT}, {0: LATE}),
    "part": (replace(PLAIN, part=(8, 20)), {0: LATE}, {0: AT["12-8h"]}),
    "time_off": (replace(PLAIN, off=frozenset({3})), {2: NIGHT}, {2: LATE, 4: EARLY}),
}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_a_rule_of_the_desk_is_told_where_it_is_broken_and_only_there(rule: str):
    worker, breaks, keeps = EXAMPLES[rule]
    assert {fault.rule for fault in broken(desk(worker), line(breaks))} == {rule}
    assert broken(desk(worker), line(keeps)) == ()


def test_the_cost_counts_hours_wishes_and_nights_above_the_share():
    ann = replace(PLAIN, dislikes=(("early", 2.0),), wishes=((1, 3.0),), fair=0.5)
    wanted = {(0, EARLY): 2, (3, AT["08-4h"]): 1}
    told = cost(desk(ann, wanted=wanted), line({0: EARLY, 1: NIGHT}))
    assert told == Cost(
        uncovered_h=12.0,
        over_h=8.0,
        wishes=5.0,
        unfair=2.0,
        open_shifts=2,
        paid_h=16.0,
        nights_sd=0.0,
    )
    assert told.total == 2.5 * 12 + 0.25 * 8 + 5 + 2


def test_nights_are_held_against_the_nights_of_those_with_the_same_skills():
    # Ann and Bo share three nights, 28 to 14 days: two and one are fair, three and none are not.
    half = replace(PLAIN, name="Bo", off=frozenset(range(14, 28)))
    both = desk(PLAIN, replace(half, off=frozenset(range(15, 28))), replace(PLAIN, skills=("B",)))
    assert [w.night_days for w in both.workers] == [28, 14, 28]
    nobody = line({})
    fair = np.vstack([line({0: NIGHT, 7: NIGHT}), line({0: NIGHT}), nobody])
    assert nights_sd(both, fair) == 0.0
    unfair = np.vstack([line({0: NIGHT, 7: NIGHT, 14: NIGHT}), nobody, nobody])
    assert nights_sd(both, unfair) == pytest.approx(np.std([1.0, -1.0, 0.0]))


# -- the whole program ----------------------------------------------------------------------------


def values_of(world: World, lines: Ints) -> tuple[bool, float]:
    """Whether a roster keeps every row of the whole program, and what it costs there.

    The columns beside who works what are filled by their meaning: weekends worked, heads missing
    and too many, nights above the share.
    """
    program = whole_program(world)
    values = np.zeros(len(program.cost))
    at = {(int(w), int(cell)): int(column) for column, w, cell in program.x}
    taken = [(w, day * CELLS + int(lines[w, day])) for w, day in np.argwhere(lines >= 0).tolist()]
    values[[at[one] for one in taken]] = 1.0
    weekends = np.setdiff1d(np.flatnonzero(program.whole), program.x[:, 0])
    values[weekends] = (lines.reshape(len(lines), 4, 7)[:, :, 5:] >= 0).any(axis=2).reshape(-1)
    there = np.bincount([cell for _, cell in taken], minlength=DAYS * CELLS)
    beside = world.wanted.reshape(-1) - there
    values[program.short] = beside.clip(0)
    values[program.short + len(beside)] = (-beside).clip(0)
    above = np.setdiff1d(
        np.flatnonzero(~program.whole), [program.short, program.short + len(beside)]
    ).reshape(-1, 2)
    able = [n for n, worker in enumerate(world.workers) if worker.night_days]
    for n, columns in zip(able, above, strict=True):
        nights = NIGHTS[lines[n][lines[n] >= 0] // len(SKILLS)].sum()
        beyond = max(0, nights - int(world.workers[n].fair))
        values[columns] = min(beyond, 1), max(0, beyond - 1)
    rows = program.matrix @ values
    keeps = (rows >= program.at_least - 1e-9).all() and (rows <= program.at_most + 1e-9).all()
    return bool(keeps), float(program.cost @ values)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.floats(0.05, 0.8))
def test_the_program_allows_what_the_verifier_does_at_the_same_cost(seed: int, busy: float):
    rng = np.random.default_rng(seed)
    workers = tuple(
        replace(w, fair=float(rng.integers(0, 500)) / 100) for w in make_workers(2, rng)
    )
    wanted = rng.integers(0, 2, (DAYS, len(TEMPLATES), len(SKILLS)))
    world = World(seed, workers, wanted)
    lines = np.full((2, DAYS), -1, dtype=np.int64)
    for n, worker in enumerate(workers):
        for day in np.flatnonzero(rng.random(DAYS) < busy).tolist():
            options = np.flatnonzero(worker.may[day].reshape(-1))
            if len(options):
                lines[n, day] = rng.choice(options)
    keeps, costs = values_of(world, lines)
    assert keeps == (broken(world, lines) == ())
    assert costs == pytest.approx(cost(world, lines).total)


def test_a_program_is_read_as_it_was_written(tmp_path: Path, world: World):
    program = whole_program(world)
    program.save(tmp_path / "program.npz")
    read = load_program(tmp_path / "program.npz")
    assert (read.matrix != program.matrix).nnz == 0
    for name in ("cost", "upper", "whole", "at_least", "at_most", "x", "short"):
        assert (getattr(read, name) == getattr(program, name)).all()
    values = np.zeros(len(program.cost))
    values[program.x[5, 0]] = 1.0
    assert worked_in(program, values) == [program.x[5, 1:].tolist()]


# -- the engine and its peers ---------------------------------------------------------------------


def test_the_engine_counts_as_the_verifier_does_and_keeps_every_rule(world: World):
    found = solve(problem_of(world), seed=1, limits=LIMITS)
    lines = roster_of(found.roster.task)
    assert broken(world, lines) == ()
    assert cost(world, lines).total == pytest.approx(found.objective)
    assert found.bound <= found.objective + 1e-6
    program = whole_program(world)
    assert program.cost @ minimum(program) <= found.objective + 1e-6


def needs_peers() -> pytest.MarkDecorator:
    there = (rosterpeers.HOME / "bin" / "python").exists()
    return pytest.mark.skipif(not there, reason="the peers' environment is not made")


def test_a_peer_whose_environment_is_missing_is_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(rosterpeers, "HOME", tmp_path)
    assert rosterpeers.peers_there() == ("highs",)
    assert "cpsat is left out" in capsys.readouterr().err


@pytest.fixture
def small() -> World:
    """Two are wanted late on one day, so that nobody is early on the next: 20; a wish costs 3."""
    ann = replace(PLAIN, wishes=((0, 3.0),))
    wanted = {(0, EARLY): 1, (1, LATE): 2, (2, EARLY): 1}
    return desk(ann, replace(ann, name="Bo"), wanted=wanted)


@pytest.mark.parametrize("name", ["highs", pytest.param("cpsat", marks=needs_peers())])
def test_a_peer_solves_the_same_desk(small: World, name: str):
    found = rosterpeers.peers_on(small, [name], seconds=20)[name]
    assert found.roster is not None
    assert broken(small, found.roster) == ()
    assert cost(small, found.roster).total == found.bound == 23.0
    assert found.open_shifts == 1


def test_the_engine_solves_a_small_desk_to_the_end(small: World):
    found = solve(problem_of(small), seed=1, limits=LIMITS)
    lines = roster_of(found.roster.task)
    assert broken(small, lines) == ()
    assert cost(small, lines).total == pytest.approx(23.0)
    assert found.bound <= 23.0 + 1e-6


def test_a_peer_that_overruns_its_limit_has_found_nothing(
    monkeypatch: pytest.MonkeyPatch, world: World
):
    monkeypatch.setattr(rosterpeers, "GRACE_S", 0.05)
    late = rosterpeers._run(world, [sys.executable, "-c", "import time; time.sleep(9)"], 0.0)
    assert (late.roster, late.bound, late.open_shifts) == (None, None, None)


def test_the_rows_hold_every_method_under_its_columns(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    out = tmp_path / "out.json"
    asked = ["roster", "--agents", "10", "--seeds", "1", "--peer-seconds", "0", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", asked)
    monkeypatch.setattr(roster, "make_world", lambda _agents, _seed: world)
    monkeypatch.setattr(roster, "LIMITS", LIMITS)
    monkeypatch.setattr(roster, "QUICK_LIMITS", LIMITS)
    roster.main()
    rows = json.loads(out.read_text())["rows"]
    assert [row["method"] for row in rows] == ["ours", "relaxation"]
    assert all(tuple(row) == roster.COLUMNS for row in rows)
    assert rows[0]["violations"] == 0
    assert 0.0 <= rows[0]["gap"] <= rows[0]["gap_penalties"]
    assert "nights_sd" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["roster", "--agents", "3"])
    with pytest.raises(SystemExit, match="10 agents or more"):
        roster.main()
