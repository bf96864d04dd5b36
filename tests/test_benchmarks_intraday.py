"""The intraday benchmark scores what it says, and no update makes any series worse."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks import intraday
from benchmarks.series import read_folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six weeks of hours of a desk with closed nights, whose days are quiet or busy as a whole."""
    rng = np.random.default_rng(4)
    at = pd.date_range("2026-01-05", periods=42 * 24, freq="h")
    busy = np.repeat(np.exp(rng.normal(0, 0.35, 42)), 24)
    shape = np.where((at.hour >= 7) & (at.hour < 21), 40 - 3 * np.abs(at.hour - 13), 0)
    counts = rng.poisson(np.maximum(shape, 0) * busy)
    pd.DataFrame({"timestamp": at, "value": counts}).to_csv(tmp_path / "desk.csv", index=False)
    about = {"zone": "Europe/Berlin", "country": None, "group": "desk", "open": None}
    (tmp_path / "series.json").write_text(json.dumps({"desk.csv": about}))
    return tmp_path


def rows_of(folder: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> list[dict[str, Any]]:
    file = folder / "figures.json"
    words = ["intraday", "--data", str(folder), "--json", str(file), *more]
    monkeypatch.setattr(sys, "argv", words)
    intraday.main()
    rows: list[dict[str, Any]] = json.loads(file.read_text())["rows"]
    return rows


def test_a_desk_whose_mood_lasts_the_day_gains_and_is_never_made_worse(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    rows = rows_of(folder, monkeypatch)

    assert [row["at"] for row in rows if row["series"] == "desk.csv"] == [
        "06:00", "10:00", "12:00", "14:00", "18:00",
    ]  # fmt: skip
    assert {row["series"] for row in rows} == {"desk.csv", "ALL"}
    assert all(row["wape_ratio_4h"] <= 1.01 and row["wape_ratio_rest"] <= 1.01 for row in rows)
    assert next(row["wape_ratio_4h"] for row in rows if row["at"] == "12:00") < 0.85
    assert "spikes:" in capsys.readouterr().out


@pytest.mark.real_data
def test_spikes_of_real_brands_are_foreseen_better_than_by_ignoring_them_or_letting_them_last(
    real_data: Path,
):
    cases = [intraday.case_of(series) for series in read_folders([real_data / "nab_tweets"])]
    rows = [row for row in intraday.spike_rows(cases) if row["decided_min"] == 60]

    assert [row["next_h"] for row in rows] == [4, 8]
    for row in rows:
        assert row["spikes"] > 50
        assert row["ours"] < min(row["ignore"], row["persist"])
