"""The week of the cover benchmark is as told, and everybody's shifts are counted alike."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import cover, coverpeers
from benchmarks.coverworld import (
    BREAKS,
    INTERVALS,
    PATTERNS,
    PER_HOUR,
    SHORT,
    START_EVERY,
    count,
    demand,
)
from scheduling.rostering.weekprogram import WeekProgram, WeekShifts


@pytest.mark.parametrize("seed", [1, 2])
def test_the_demand_is_of_the_size_told(seed: int):
    wanted = demand(211, seed)

    assert (wanted.min(), wanted.max()) == (20, 211)
    assert wanted.sum() / PER_HOUR == pytest.approx(16_170, rel=0.001)
    assert np.array_equal(wanted, demand(211, seed))
    assert not np.array_equal(wanted, demand(211, seed + 1))


def test_another_peak_asks_for_as_many_hours_in_proportion():
    assert demand(50, 1).sum() / demand(211, 1).sum() == pytest.approx(50 / 211, rel=0.01)


def test_a_week_is_counted_around_its_end_and_breaks_are_left_out():
    wanted = np.ones(INTERVALS, dtype=np.int64)
    week = WeekShifts(np.array([0]), np.array([INTERVALS - 8]), np.array([[INTERVALS - 2]]))

    counted = count(week, wanted)

    assert counted.uncovered_h == (INTERVALS - 15) / PER_HOUR
    assert counted.cost == 4.25 + SHORT * counted.uncovered_h


def test_a_break_outside_its_window_is_told():
    week = WeekShifts(np.array([0]), np.array([0]), np.array([[11]]))

    with pytest.raises(ValueError, match="begins 11 intervals into it"):
        count(week, np.zeros(INTERVALS, dtype=np.int64))


def test_windows_of_one_shift_lie_apart_and_shifts_last_four_to_ten_hours():
    for hours, breaks in BREAKS.items():
        assert 4 <= hours <= 10
        ends = [latest + length for _, latest, length in breaks]
        assert all(end <= earliest for end, (earliest, _, _) in zip(ends, breaks[1:], strict=False))


def test_ours_is_counted_and_held_against_the_bound(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    told = tmp_path / "cover.json"
    asked = ["cover", "--peak", "12", "--passes", "0", "--peer-seconds", "0", "--json", str(told)]
    monkeypatch.setattr(sys, "argv", asked)

    cover.main()

    (row,) = json.loads(told.read_text())["rows"]
    assert row["method"] == "ours"
    assert row["above_bound"] == pytest.approx(row["cost"] / row["bound"] - 1, abs=1e-5)
    assert 0.0 <= row["above_bound"] < 0.2


def test_what_a_peer_finds_in_the_same_program_is_counted_by_us(monkeypatch: pytest.MonkeyPatch):
    wanted = demand(8, 1)
    program = WeekProgram(wanted, PATTERNS, START_EVERY, SHORT)
    values = dict.fromkeys([*program.names.values(), *program.begins.values()], 0.0)
    values |= {program.names[0, 8]: 2.0, program.begins[(1, 3), 15]: 2.0}
    kept = {name: value for name, value in values.items() if value}
    monkeypatch.setattr(coverpeers, "_run", lambda command, seconds: {"values": kept, "cpu_s": 1.0})

    answer = coverpeers.ask("highs", wanted, seconds=1.0, seed=1)

    assert answer.week is not None
    assert answer.week.start.tolist() == [8, 8]
    assert answer.week.breaks[:, 0].tolist() == [15, 15]
    row = cover.row_of(8, "highs", answer, wanted, 100.0)
    assert row["uncovered_h"] == count(answer.week, wanted).uncovered_h


def test_a_peer_that_finds_nothing_has_a_row_without_figures():
    row = cover.row_of(8, "cbc", coverpeers.Answer(None, 60.0), demand(8, 1), 100.0)

    assert (row["above_bound"], row["uncovered_h"], row["cpu_s"]) == (None, None, 60.0)
