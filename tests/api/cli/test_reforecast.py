"""`wfm reforecast` and its address: the day in a table, a sentence, and as JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from api.cli.main import main
from wfm.frames import FORECAST, QUANTILE_COLUMNS, interval_index
from wfm.ingest.brandfile import import_brand
from wfm.settings import Settings
from wfm.store import forecasts
from wfm.store.engine import Store, open_store
from wfm.store.forecasts import Version
from wfm.store.volumes import Count, record_import, write_counts
from wfm.timegrid import FixedClock

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"
BRAND = re.search(
    r"<!-- example: brand.toml -->\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
).group(1)  # type: ignore[union-attr]
# Midnight in Berlin, where the page's brand is.
MONDAY = datetime(2026, 3, 1, 23, tzinfo=UTC)
DAY = timedelta(days=1)
NOON = MONDAY + DAY / 2

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `wfm ...` at noon of that Monday; gives exit code, standard output and error."""
    monkeypatch.setenv("WFM_NOW", "2026-03-02T11:00:00Z")

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wfm", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture
def store(tmp_path: Path, ready_home: Path) -> Iterator[Store]:
    """The page's brand, three weeks of ten contacts a quarter-hour of x, and a busy morning."""
    opened = open_store(Settings().store_url, clock=FixedClock(NOON))
    (tmp_path / "brand.toml").write_text(BRAND, encoding="utf-8")
    import_brand(opened, tmp_path / "brand.toml", actor="t")
    index = interval_index(MONDAY - 21 * DAY, NOON)
    drawn = np.random.default_rng(1).poisson(10, len(index))
    with opened.writing("t") as writing:
        number = record_import(writing, "volumes", "f.csv", sha256="", options={})
        write_counts(
            writing,
            "volumes",
            (
                (("x", at.to_pydatetime()), Count(int(count), None))
                for at, count in zip(index, drawn, strict=True)
            ),
            number,
        )
    yield opened
    opened.close()


@pytest.fixture
def kept(store: Store) -> int:
    index = interval_index(MONDAY, MONDAY + 2 * DAY)
    levels = dict(zip(QUANTILE_COLUMNS, (4.0, 6.0, 10.0, 13.0, 14.0, 15.0, 17.0), strict=True))
    table = pd.DataFrame({"start": index, "mean": 10.0, **levels, "aht_s": 240.0})
    table = table.assign(queue="x", model="blend").astype({"queue": "str", "model": "str"})
    with store.writing("t") as writing:
        return forecasts.insert(
            writing,
            Version(FORECAST.check(table)),
            kind="standing",
            start=MONDAY,
            end=MONDAY + 2 * DAY,
            seed=1,
        )


def test_the_day_is_told_in_a_line_and_a_sentence(run: Run, kept: int):
    code, printed, _ = run("reforecast", "--queue", "x")

    lines = printed.splitlines()
    assert code == 0
    assert lines[0] == "Mon 02 Mar 2026 12:00 Europe/Berlin"
    assert lines[1].split() == [
        "queue", "counted", "until", "so", "far", "forecast", "next", "hour", "rest", "of", "day",
        "spike",
    ]  # fmt: skip
    assert re.match(r"x +12:00 +4\d\d +480 +[+-]\d+% +480 -> 4\d\d", lines[2])
    assert lines[3].startswith("  x: 4")
    assert "contacts so far today where 480 were forecast" in lines[3]


def test_as_json_it_is_whole(run: Run, kept: int):
    _, printed, _ = run("reforecast", "--queue", "x", "--json")
    told = json.loads(printed)

    assert told["as_of"] == "2026-03-02T11:00:00Z"
    assert told["queues"][0]["forecast_id"] == kept
    assert told["queues"][0]["spike"] is None
    assert told["queues"][0]["counted_until"] == "2026-03-02T11:00:00Z"
    assert len(told["intervals"]) == 96
    assert told["intervals"][0]["start"] == "2026-03-02T11:00:00Z"


def test_without_a_forecast_it_says_what_to_do(run: Run, store: Store):
    code, _, said = run("reforecast")

    assert code == 2
    assert "wfm forecast --from 2026-03-02" in said
