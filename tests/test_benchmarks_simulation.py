"""The simulation benchmark times engines that simulate the same thing."""

from __future__ import annotations

import pytest

from benchmarks import simulation as bench
from scheduling.simulation import state


@pytest.fixture(scope="module")
def day() -> bench.Week:
    return bench.one_class(1_500, seed=3, days=1)


def test_the_heap_loop_and_ours_agree_case_by_case(day: bench.Week):
    waits, on_time, late, spent = bench.heap_loop(bench.drawn(day))
    found = bench.ours(day)
    assert found.messages == len(waits)
    assert found.outcomes[0, :, 0, state.ON_TIME].tolist() == on_time
    assert found.outcomes[0, :, 0, state.LATE].tolist() == late
    horizon = found.busy_s.sum() + found.overrun_s.sum()
    assert found.busy_s.sum() <= spent <= horizon + 40 * 3600


def test_simpy_gives_the_same_waits(day: bench.Week):
    """With staff that does not change: who goes first is no question then."""
    given = bench.drawn(day)
    most = max(bench._heads(given)) // 2
    always = given._replace(changes=[(0.0, who, True) for who in range(most)])
    waits = bench.heap_loop(always)[0]
    assert max(waits) > 60.0
    for engine in (bench.simpy_waits, bench.store_waits):
        theirs = [w for w in engine(always) if w < bench.NEVER]
        assert theirs == pytest.approx(waits, abs=1e-6)


def test_simpys_agents_are_away_once_for_each_stretch_they_are_not_needed():
    heads = [2, 1, 0, 0, 2, 1]
    assert bench.absences(heads, 0) == [(1800.0, 3600.0)]
    assert bench.absences(heads, 1) == [(900.0, 3600.0), (4500.0, 5400.0)]


def test_simpy_with_staff_that_changes_waits_much_the_same(day: bench.Week):
    """Who goes as a case arrives is settled otherwise there; the rest is the same."""
    given = bench.drawn(day)
    theirs = [w for w in bench.simpy_waits(given) if w < bench.NEVER]
    ours = bench.heap_loop(given)[0]
    assert len(theirs) == pytest.approx(len(ours), abs=3)
    assert sum(theirs) / len(theirs) == pytest.approx(sum(ours) / len(ours), rel=0.1)


def test_ciw_gives_the_same_waits(day: bench.Week):
    given = bench.drawn(day)
    most = max(bench._heads(given)) // 2
    always = given._replace(changes=[(0.0, who, True) for who in range(most)])
    theirs = bench.ciw_waits(always)
    # It records whom it has finished with by the end.
    waits = bench.heap_loop(always)[0][: len(theirs)]
    assert len(theirs) > 1_200
    assert theirs == pytest.approx(waits, abs=1e-6)


def test_the_week_of_everything_uses_everything():
    found = bench.ours(bench.everything(4_000, seed=2))
    assert {line.metric for line in found.lines} == {"first_response", "next_reply", "resolution"}
    assert {line.goal for line in found.lines} == {"goal", "opening"}
    assert (found.busy_s.sum(axis=(0, 2)) > 0).all()
    firsts = [i for i, line in enumerate(found.lines) if line.metric == "first_response"]
    counts = found.outcomes[:, :, firsts].sum(axis=(0, 1, 2))
    assert counts[state.ON_TIME] / counts.sum() > 0.7


def test_a_row_has_the_columns_told():
    row = bench.measured("one class, loop", "python", 300, 1, 1)
    assert tuple(row) == bench.COLUMNS
    assert row["per_s"] > 0
    assert row["peak_mb"] > 10


def test_quick_runs_have_every_case_and_engine():
    quick, whole = ({job[:2] for job in bench.jobs(quick=q)} for q in (True, False))
    assert quick <= whole
    assert {engine for _, engine in quick} == {"ours", "python", *bench.PEERS}
