"""The staffing benchmark judges every method on the same fresh days and tells what it promises."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import reference_day as day
from benchmarks import shift_cost, staffing
from scheduling.rostering.saving import SavingLimits


@pytest.fixture
def few_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staffing, "SCALES", {"small": 0.1})
    for name, days in (("TRAINED_QUICK", 150), ("FRESH_QUICK", 200), ("BATCH", 100)):
        monkeypatch.setattr(staffing, name, {"small": days})
    monkeypatch.setattr(staffing, "FRESH_CLASSES_QUICK", 30)
    monkeypatch.setattr(shift_cost, "SHIFTS", {"8 h": {8: 2}})
    monkeypatch.setattr(shift_cost, "LIMITS_QUICK", SavingLimits(rounds=1, moves=20))


@pytest.mark.usefixtures("few_days")
def test_the_table_holds_every_method_and_both_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "figures.json"
    monkeypatch.setattr(sys, "argv", ["staffing", "--quick", "--json", str(file)])
    staffing.main()
    written = json.loads(file.read_text())

    rows = {row["method"]: row for row in written["rows"]}
    assert list(rows) == ["sipp_erlang_c", "sipp_erlang_a", "fluid", "mol", "lagged_mol", "ours"]
    assert all(tuple(row) == staffing.COLUMNS for row in rows.values())
    assert all(row["replications"] == 200 for row in rows.values())
    assert rows["ours"]["hours"] < rows["lagged_mol"]["hours"]
    assert rows["fluid"]["bad_intervals"] > 20 > rows["ours"]["bad_intervals"]

    classes = {(row["requirement"], row["order"]): row for row in written["two_classes"]}
    assert len(classes) == 4
    sipp, ours = classes["erlang_c", "fifo"], classes["ours", "live"]
    assert ours["hours"] < sipp["hours"]
    assert ours["first_in_15_bad"] <= 2 < 10 < sipp["first_in_15_bad"]
    assert ours["follow_up_in_60_bad"] <= 2 < 10 < sipp["follow_up_in_60_bad"]

    shifts = {row["method"]: row for row in written["shifts"]}
    assert list(shifts) == ["erlang_c", "lagged_mol", "ours"]
    assert shifts["ours"]["paid_hours"] <= shifts["lagged_mol"]["paid_hours"]
    assert all(row["over_bound"] > 1.0 for row in shifts.values())
    printed = capsys.readouterr().out
    assert "two_classes:" in printed
    assert "shifts:" in printed


def test_the_confidence_interval_is_that_of_whole_days_drawn_again():
    rng = np.random.default_rng(3)
    luck = rng.beta(18, 2, 400)
    judged = rng.poisson(50, 400)
    on_time = rng.binomial(judged, luck)
    share, half = staffing._with_error(on_time, judged)

    drawn = rng.integers(0, 400, (4000, 400))
    shares = on_time[drawn].sum(axis=1) / judged[drawn].sum(axis=1)
    assert share == pytest.approx(on_time.sum() / judged.sum(), abs=1e-4)
    assert half == pytest.approx(1.96 * shares.std(), rel=0.05)


def test_the_bound_is_the_workload_with_at_least_one_agent():
    assert day.bound_h(1.0) == pytest.approx(day.workload(1.0).sum() / 4)
    assert day.workload(0.1).sum() / 4 < day.bound_h(0.1)
    assert day.bound_h(0.1) < np.maximum(day.workload(0.1), 1).sum() / 4
    assert day.bound_h(0.001) == 24.0
