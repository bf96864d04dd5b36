"""The campaign benchmark puts in what it says, and judges by it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from benchmarks import campaigns
from benchmarks.series import Series
from forecasting.grid import day_range


def make_series(slots: int = 96, level: float = 60.0) -> Series:
    days = day_range(np.datetime64("2026-01-05"), np.datetime64("2026-03-29"))
    shape = 0.2 + np.exp(-(((np.arange(slots) / slots - 0.58) / 0.2) ** 2))
    counts = np.random.default_rng(1).poisson(level * shape, (len(days), slots)).astype(float)
    return Series(
        name="made.csv",
        group="made",
        zone=ZoneInfo("Europe/Berlin"),
        country="DE",
        days=days,
        counts=counts,
        open=np.ones(counts.shape, dtype=bool),
        slot_min=24 * 60 // slots,
    )


@pytest.mark.parametrize("slots", [48, 96])
def test_a_case_adds_contacts_only_under_its_campaigns(slots: int):
    series = make_series(slots)
    case = campaigns.draw_case(series, 5, np.random.default_rng(3))

    assert case is not None
    assert len(case.analogues) == 5
    assert all(one.start < case.target.start for one in case.analogues)
    assert {one.category for one in case.analogues} == {case.target.category}
    added = case.counts - series.counts
    assert (added >= 0).all()
    assert added[case.origin].sum() > 0.1 * case.true_uplift * series.counts[case.origin].sum() / 4
    assert (added[: campaigns.QUIET_DAYS // 3] == 0).all()


def test_on_a_calm_series_the_object_wins_and_its_interval_holds():
    found = campaigns.measure([make_series()], 18, seed=2)
    rows = campaigns.rows_of(found)

    whole = rows[-1]
    assert (whole["series"], whole["analogues"], whole["campaigns"]) == ("ALL", "all", 18)
    assert whole["wape_ratio"] < 0.7
    assert 0.6 < whole["held80"] <= 1.0
    assert whole["bias_without"] < whole["bias_with"] < 0.15


def test_the_rows_are_written_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "made"
    folder.mkdir()
    series = make_series()
    stamps = np.arange(series.counts.size) * np.timedelta64(15, "m") + np.datetime64("2026-01-05")
    lines = [f"{at},{int(value)}" for at, value in zip(stamps, series.counts.ravel(), strict=True)]
    (folder / "made.csv").write_text("timestamp,value\n" + "\n".join(lines) + "\n")
    (folder / "series.json").write_text(json.dumps({"made.csv": {"zone": "UTC", "group": "made"}}))
    file = tmp_path / "rows.json"
    options = ["--data", str(folder), "--campaigns", "9", "--json", str(file)]
    monkeypatch.setattr(sys, "argv", ["campaigns", *options])

    campaigns.main()

    rows = json.loads(file.read_text())["rows"]
    assert list(rows[0]) == [
        "series",
        "analogues",
        "campaigns",
        "held80",
        "wape_with",
        "wape_without",
        "wape_ratio",
        "bias_with",
        "bias_without",
    ]
    assert [row["analogues"] for row in rows if row["series"] == "ALL"][-1] == "all"
    assert "held80" in capsys.readouterr().out
