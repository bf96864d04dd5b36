"""What the commands on forecasts print: kept versions, reasons, accuracy, adjustments, marks."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest

from api.cli.demo import look_back
from api.cli.main import main
from api.planning import forecasts as versions
from forecasting.scoring.accuracy import Accuracy, Score
from wfm.frames import FORECAST, PARTS, QUANTILE_COLUMNS, interval_index
from wfm.ingest.brandfile import import_brand
from wfm.marks import Mark
from wfm.progress import silent
from wfm.settings import Settings
from wfm.store import forecasts, marks
from wfm.store.brands import load_brand
from wfm.store.documents import to_document
from wfm.store.engine import Store, open_store
from wfm.store.forecasts import Version
from wfm.timegrid import FixedClock, parse_instant

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"
BRAND = re.search(
    r"<!-- example: brand.toml -->\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
).group(1)  # type: ignore[union-attr]
# Midnight in Berlin, where the page's brand is.
MONDAY = datetime(2026, 3, 1, 23, tzinfo=UTC)
DAY = timedelta(days=1)
SPAN = ("--from", "2026-03-02 12:00", "--to", "2026-03-02 13:00")

Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `wfm ...` at noon of that Monday as ann; gives standard output."""
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    monkeypatch.setenv("WFM_NOW", "2026-03-02T11:00:00Z")

    def call(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["wfm", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert not ended.value.code, printed.err
        return printed.out

    return call


@pytest.fixture
def store(tmp_path: Path, ready_home: Path) -> Iterator[Store]:
    """The page's brand at noon of that Monday, in the store that commands use."""
    opened = open_store(Settings().store_url, clock=FixedClock(MONDAY + DAY / 2))
    (tmp_path / "brand.toml").write_text(BRAND, encoding="utf-8")
    import_brand(opened, tmp_path / "brand.toml", actor="t")
    yield opened
    opened.close()


@pytest.fixture
def kept(store: Store) -> int:
    """A version of that Monday: 20 contacts an interval, 2 of them by a campaign."""
    index = interval_index(MONDAY, MONDAY + DAY)
    levels = dict(zip(QUANTILE_COLUMNS, (8.0, 13.0, 19.0, 24.0, 27.0, 29.0, 32.0), strict=True))
    table = pd.DataFrame({"start": index, "mean": 20.0, **levels, "aht_s": 240.0})
    table = table.assign(queue="x", model="blend").astype({"queue": "str", "model": "str"})
    parts = table[["start", "queue"]].assign(
        baseline=19.0, holiday=0.0, campaign=2.0, correction=-1.0
    )
    own = Score(0.241, -0.004, 0.7, 0.055, 0.82, 0.96)
    lines = [
        Accuracy(
            **vars(own), queue="x", model="blend", step=step, origins=12, horizon_days=7,
            naive=Score(0.337, 0.0, 1.0, None, None, None), champion=True,
        )
        for step in ("15min", "hour", "day")
    ]  # fmt: skip
    version = Version(
        FORECAST.check(table),
        PARTS.check(parts),
        np.full(96, 25.0).tolist(),
        inputs={"queues": ["x"], "models": {"x": "blend"}, "scale": {"x": {"15min": 5.0}}},
        summary={"notes": ["x: spikes capped in 3 intervals"]},
        accuracy=to_document(tuple(lines)),
    )
    with store.writing("cli:ann") as writing:
        return forecasts.insert(
            writing, version, kind="standing", start=MONDAY, end=MONDAY + DAY, seed=1
        )


def text(golden: str) -> str:
    return dedent(golden).lstrip("\n")


def write_counts(file: Path, count: int, days: int, start: datetime = MONDAY) -> Path:
    """A file of so many contacts in every interval of x."""
    index = interval_index(start, start + days * DAY)
    lines = (f"{at:%Y-%m-%dT%H:%M:%SZ},x,{count}" for at in index)
    file.write_text("timestamp,queue,value\n" + "\n".join(lines) + "\n")
    return file


def test_kept_forecasts_are_listed(run: Run, store: Store):
    assert run("forecasts") == "There is no forecast yet; run `wfm forecast`.\n"


def test_kept_forecasts_are_listed_by_local_day(run: Run, kept: int):
    assert run("forecasts") == text(
        """
        forecast  kind      first day   last day    queues  made by  made at
        1         standing  2026-03-02  2026-03-02  x       cli:ann  2026-03-02T11:00:00Z
        """
    )
    (row,) = json.loads(run("forecasts", "--json"))["forecasts"]
    assert (row["forecast_id"], row["start"], row["queues"]) == (1, "2026-03-01T23:00:00Z", ["x"])


def test_a_number_is_taken_apart(run: Run, kept: int):
    run("adjust", "x", *SPAN, "--percent", "10", "--reason", "TV spot")
    assert run("why", "x", "2026-03-02 12:20") == text(
        """
        x, Mon 02 Mar 2026 12:15 to 12:30 Europe/Berlin: 22.0 contacts expected (forecast 1, blend)
          baseline    19.0  What 12:15 to 12:30 on a Monday usually brings, by the last weeks.
          holiday     +0.0  No public holiday of the queue's markets.
          campaign    +2.0  A campaign that begins or fades here.
          correction  -1.0  The last days were quieter than usual.
          adjustment  +2.0  +10 %: TV spot
          four days of five: 14 to 30 contacts
          19 of 20:          9 to 35
          last week's count: 25
          x: spikes capped in 3 intervals
        """
    )
    found = json.loads(run("why", "x", "2026-03-02T11:20:00Z", "--json"))
    assert (found["start"], found["mean"], found["came"]) == ("2026-03-02T11:15:00Z", 22.0, None)
    assert found["parts"][4] == {
        "name": "adjustment",
        "contacts": 2.0,
        "because": "+10 %: TV spot",
    }


def test_accuracy_is_the_back_test_and_then_what_came(run: Run, kept: int, tmp_path: Path):
    backtest = text(
        """
        Back-test of the newest forecasts
        queue  model  step     WAPE  last week's   bias  MASE  pinball  80 %  95 %  origins
        x      blend  15 min  24.1%        33.7%  -0.4%  0.70    0.055   82%   96%       12
                      hour    24.1%        33.7%  -0.4%  0.70    0.055   82%   96%       12
                      day     24.1%        33.7%  -0.4%  0.70    0.055   82%   96%       12

        """
    )
    nothing = (
        "Nothing came yet of what was forecast in the last 28 days; "
        "`wfm import volumes FILE` brings it.\n"
    )
    legend = "\n80 %, 95 %: share of what came that lay within the band of that name\n"
    assert run("accuracy") == backtest + nothing + legend
    said = run("import", "volumes", write_counts(tmp_path / "came.csv", 20, 1))
    assert said.endswith("\n1 forecast is scored on what came; see `wfm accuracy`.\n")
    came = text(
        """
        On what came: forecasts made in the last 28 days
        queue  days ahead  step    WAPE  last week's   bias  MASE  pinball  80 %  95 %  forecasts
        x               1  15 min  5.0%        25.0%  +0.0%  0.20    0.027  100%  100%          1
                           hour    0.0%        25.0%  +0.0%     -        -     -     -          1
                           day     0.0%        25.0%  +0.0%     -        -     -     -          1
        """
    )
    assert run("accuracy", "--queue", "x") == backtest + came + legend
    found = json.loads(run("accuracy", "--json"))
    assert [line["step"] for line in found["backtest"]] == ["15min", "hour", "day"]
    assert found["backtest"][0]["naive_wape"] == 0.337
    assert found["scores"][0] | {"pinball": None} == {
        "queue": "x", "step": "15min", "lead_days": "1", "versions": 1, "intervals": 96,
        "contacts": 1920.0, "wape": 0.05, "bias": 0.0, "pinball": None, "naive_wape": 0.25,
        "naive_bias": 0.25, "mase": pytest.approx(0.2), "coverage80": 1.0, "coverage95": 1.0,
        "naive_mase": 1.0,
    }  # fmt: skip


def test_an_import_that_says_nothing_new_of_a_forecast_does_not_mention_scores(
    run: Run, kept: int, tmp_path: Path
):
    file = write_counts(tmp_path / "before.csv", 20, 1, MONDAY - DAY)
    assert "scored" not in run("import", "volumes", file)
    assert json.loads(run("import", "volumes", file, "--json"))["scored_forecasts"] == 0


def test_an_adjustment_is_made_listed_and_withdrawn(run: Run, kept: int):
    assert run("adjustments") == "There is no adjustment.\n"
    assert run("adjust", "x", *SPAN, "--range", "60", "90", "--reason", "strike") == (
        "Adjustment 1 is in force; plan again to staff for it. "
        "Undo it with: wfm adjust --withdraw 1\n"
    )
    assert json.loads(run("adjust", "x", *SPAN, "--set", "8", "--reason", "r", "--json")) == {
        "adjustment_id": 2,
        "in_force": True,
    }
    assert run("adjust", "--withdraw", "2") == (
        "Adjustment 2 is withdrawn; forecasts are without it now.\n"
    )
    assert run("adjustments", "--all", "--queue", "x") == text(
        """
        id  queue  from              to                adjustment                        by       state
        1   x      2026-03-02 12:00  2026-03-02 13:00  60 to 90 contacts in all: strike  cli:ann  in force
        2   x      2026-03-02 12:00  2026-03-02 13:00  set to 8 contacts in all: r       cli:ann  withdrawn by cli:ann
        """  # noqa: E501
    )
    (one,) = json.loads(run("adjustments", "--json"))["adjustments"]
    assert (one["kind"], one["low"], one["high"], one["reason"]) == ("range", 60.0, 90.0, "strike")


def test_marks_are_listed_added_and_decided(run: Run, store: Store):
    assert run("marks") == "Nothing is marked.\n"
    burst = Mark(
        "x", MONDAY - 9 * DAY, MONDAY - 9 * DAY + DAY / 24, "outlier", contacts=900, expected=80
    )
    with store.writing("ann") as writing:
        marks.keep(writing, [burst])
    assert run(
        "mark", "add", "x", "--from", "2026-02-24", "--to", "2026-02-25", "--kind", "outage",
        "--reason", "intake down",
    ) == (
        "Mark 2 is set; nothing was counted in it, so it changes nothing until such volumes are "
        "imported.\n"
    )  # fmt: skip
    assert run("mark", "reject", "1") == (
        "Mark 1 of x is rejected: the next forecast learns from its counts.\n"
    )
    assert run("marks") == text(
        """
        id  queue  from              to                kind     state     counted  normal  next week  reason
        1   x      2026-02-21 00:00  2026-02-21 01:00  outlier  rejected      900      80          -
        2   x      2026-02-24 00:00  2026-02-25 00:00  outage   accepted        0       -          -  intake down
        next week: how its contacts change if the mark is decided the other way
        """  # noqa: E501
    )
    assert "is proposed" in run("mark", "reopen", "1")
    assert "is accepted" in run("mark", "accept", "1")
    held = json.loads(run("marks", "--queue", "x", "--json"))["marks"]
    assert [(one["mark_id"], one["state"], one["effect"]) for one in held] == [
        (1, "accepted", None),
        (2, "accepted", None),
    ]


@pytest.fixture
def history(run: Run, store: Store, tmp_path: Path) -> None:
    """Four weeks before that Monday with four contacts in every interval of x."""
    run("import", "volumes", write_counts(tmp_path / "past.csv", 4, 28, MONDAY - 28 * DAY))


def test_a_forecast_is_printed_by_day_and_kept(run: Run, history: None):
    words = ("forecast", "--queue", "x", "--weeks", 1, "--from", "2026-03-02", "--model")
    said = run(*words, "weekly_naive").splitlines()
    assert said[0] == "x: 1 week from 2026-03-02, model weekly_naive, seed 1"
    assert re.split(" {2,}", said[1]) == [
        "day", "contacts", "busiest 15 min", "80 % band", "handling time",
    ]  # fmt: skip
    assert re.split(" {2,}", said[2])[1:5] == ["384", "00:00", "4.0", "4 - 4"]
    assert len([line for line in said if re.match(r"\w{3} \d\d Mar +384 ", line)]) == 7
    assert said[-1] == "Kept as forecast 1."
    assert "Kept" not in run(*words, "weekly_naive", "--no-keep")
    assert len(json.loads(run("forecasts", "--json"))["forecasts"]) == 1


def test_a_forecast_has_the_adjustments_in_force_and_says_so(
    run: Run, history: None, tmp_path: Path
):
    run("adjust", "x", *SPAN, "--set", "100", "--reason", "sale")
    words = ("forecast", "--queue", "x", "--weeks", 1, "--from", "2026-03-02", "--model")
    said = run(*words, "weekly_naive", "--no-keep")
    assert "x: adjusted, set to 100 contacts in all: sale" in said
    file = tmp_path / "out.csv"
    found = json.loads(run(*words, "weekly_naive", "--out", file, "--json"))
    assert (found["forecast_id"], found["adjustments"], found["intervals"]) == (1, [1], str(file))
    assert found["models"] == {"x": "weekly_naive"}
    table = pd.read_csv(file)
    assert len(table) == 7 * 96
    assert table["mean"].sum() == pytest.approx(7 * 384 - 16 + 100)


def test_a_queue_that_cannot_be_forecast_is_told_before_anything_is_kept(
    run: Run, history: None, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(AssertionError, match="queue 'email' has no volumes before"):
        run("forecast", "--weeks", 1, "--from", "2026-03-02", "--model", "weekly_naive")
    assert json.loads(run("forecasts", "--json"))["forecasts"] == []


def test_models_are_compared_in_a_line_a_horizon(run: Run, history: None):
    head, groups, names, *lines, legend = run(
        "backtest", "--queue", "x", "--model", "weekly_naive"
    ).splitlines()

    assert head.startswith("x: rolling origins")
    assert head.endswith("chosen: weekly_naive")
    assert groups.split("  ")[-1].strip() == "80 %"
    assert names.split().count("15") == 3
    assert [line.split()[0] for line in lines] == ["weekly_naive", "7"]
    assert all(len(line) <= 110 for line in (head, groups, names, *lines, legend))


def test_the_demo_keeps_forecasts_of_the_last_weeks_that_saw_nothing_of_them(
    run: Run, store: Store, tmp_path: Path
):
    past = write_counts(tmp_path / "past.csv", 4, 56, MONDAY - 56 * DAY)
    lines = past.read_text("utf-8")
    with store.reading() as connection:
        names = [queue.name for queue in load_brand(connection).queues]
    for name in names:
        past.write_text(lines.replace(",x,", f",{name},"), "utf-8")
        run("import", "volumes", past)

    for _ in range(2):
        look_back(store, 1, MONDAY, silent)

    kept = versions.listing(store)
    assert [one.start for one in kept] == [MONDAY - 7 * n * DAY for n in (1, 2, 3)]
    with store.reading() as connection:
        for one in kept:
            seen = forecasts.find(connection, one.forecast_id).inputs["history_to"]
            assert parse_instant(seen) < one.start
            assert one.afterwards
            assert one.notes[0] == versions.AFTERWARDS
    assert set(versions.scores(store)["forecast_id"]) == {1, 2, 3}
    assert "3 of the 3 forecasts were made afterwards" in run("accuracy")
    assert "standing, afterwards" in run("forecasts")
    assert "made afterwards" in run("why", "x", "2026-02-25 12:00")


REFUSED = {
    "off the grid": (
        ("adjust", "x", "--from", "2026-03-03 08:07", "--to", "2026-03-04", "--set", 5),
        "'2026-03-03 08:07' lies between two intervals; write a quarter of an hour, such as "
        "'2026-03-03 08:00'",
    ),
    "an end before its start": (
        ("adjust", "x", "--from", "2026-03-04", "--to", "2026-03-03", "--set", 5),
        "the span ends at '2026-03-03', not after its start '2026-03-04'",
    ),
    "a span that is over": (
        ("adjust", "x", "--from", "2026-02-03", "--to", "2026-02-04", "--set", 5),
        "the adjustment ends at Wed 04 Feb 00:00, in the past",
    ),
    "a span of decades": (
        ("adjust", "x", "--from", "2026-03-03", "--to", "2066-03-04", "--set", 5),
        "it covers 366 days at most",
    ),
    "an id beyond the store's": (("adjust", "--withdraw", 10**20), "less than or equal to"),
    "a mark beyond the store's": (("mark", "reject", 10**20), "less than or equal to"),
    "adjustments of no queue": (("adjustments", "--queue", "nope"), "no queue 'nope'"),
    "marks of no queue": (("marks", "--queue", "nope"), "no queue 'nope'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_the_words_it_was_given_in(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], case: str
):
    words, wanted = REFUSED[case]
    reason = ("--reason", "r") if "--set" in words else ()
    monkeypatch.setenv("WFM_NOW", "2026-03-02T11:00:00Z")
    monkeypatch.setattr(sys, "argv", ["wfm", *map(str, words), *reason])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert wanted in capsys.readouterr().err.replace("\n", " ")
