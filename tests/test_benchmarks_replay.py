"""The replay benchmark times replays of one and the same record, and shows what they tell."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import replay as bench


@pytest.fixture(scope="module")
def month() -> bench.Month:
    return bench.a_month(3_000, seed=2, days=3)


def test_the_store_gives_the_record_back(month: bench.Month, tmp_path):
    found, read = bench.record(month), bench.from_store(month, tmp_path)()
    assert read.cases == found.cases > 2_500
    for column in ("queue", "received", "replied", "automatic", "handling_s"):
        ours, theirs = getattr(read, column), getattr(found, column)
        assert np.allclose(ours, theirs, atol=2e-6, rtol=0.0, equal_nan=True)


def test_the_rows_have_the_steps_told(month: bench.Month, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bench, "a_month", lambda *_, **__: month)
    rows, attainment = bench.measured(3_000, seed=2)
    assert [row["step"] for row in rows] == [
        "arrays",
        "store",
        "handling drawn, 10 times",
        "handling on record, once",
    ]
    assert all(tuple(row) == bench.COLUMNS and row["cases"] > 2_500 for row in rows)
    assert [line["queue"] for line in attainment] == ["all", *bench.SHARES]
    # It is the same desk on other seeds.
    for line in attainment:
        assert line["recorded"] == pytest.approx(line["replayed"], abs=0.1)
