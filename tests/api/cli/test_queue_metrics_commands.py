"""`wfm queue metrics|figures|backlog|badges|behind|orphans`."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta

import pytest

from api.cli.main import main
from api.cli.queuefigures import COUNTS, PROMISED, PROMISES, TIMED, TIMES
from wfm.brands import Brand, Queue
from wfm.calendars import ServiceWindow
from wfm.cases import Contact
from wfm.ingest.intake import take_in
from wfm.metrics.definitions import DEFINITIONS
from wfm.settings import Settings
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store.brands import save_brand
from wfm.store.engine import open_store
from wfm.timegrid import FixedClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs `wfm queue ...` at 10:00 in Berlin; gives what it printed and what it complained of."""

    def call(*words: str):
        monkeypatch.setattr(sys, "argv", ["wfm", "--now", "2026-03-02T09:00Z", "queue", *words])
        with pytest.raises(SystemExit):
            main()
        printed = capsys.readouterr()
        return printed.out, printed.err

    return call


@pytest.fixture(autouse=True)
def waits(ready_home) -> None:
    """One case, an hour old."""
    window, goals = ServiceWindow.always(), (ServiceGoal(),)
    queue = Queue("x", "x", "@care", "en", window, goals, OpeningGoal(), WorkLaw())
    brand = Brand("Testbrand", "Europe/Berlin", (), (queue,), (), ())
    opened = NOW - timedelta(hours=1)
    store = open_store(Settings().store_url, clock=FixedClock(opened))
    with store.writing("test") as w:
        save_brand(w, brand)
    contact = Contact("hook", "@care", "m1", "x", "ann", "Hello?", opened)
    take_in(store, contact, brand=brand, actor="test", raw_body="{}")
    store.close()


def test_todays_figures_are_printed_with_their_units(run):
    out, _ = run("metrics")
    lines = [re.split(r"  +", line.strip()) for line in out.splitlines()]
    assert out.startswith("Mon 02 Mar 00:00 to Mon 02 Mar 10:00, Europe/Berlin\n")
    assert ["cases", "1"] in lines
    assert ["never answered share", "100.0%"] in lines
    assert ["first reply", "0.0%", "1", "1"] in lines  # in time, judged, late
    assert ["first reply", *"------"] in lines  # mean, median, P90; by the clock too


def test_every_figure_is_shown_once():
    counts = [name for names in COUNTS.values() for name in names]
    promises = [f"{metric}_{end}" for metric in PROMISES for end in PROMISED]
    times = [f"{metric}_{by}{end}" for metric in TIMES for by in ("", "clock_") for end in TIMED]
    assert sorted([*counts, *promises, *times]) == sorted(one.name for one in DEFINITIONS)


def test_hours_are_lines_and_json_and_csv_have_every_figure(run, tmp_path):
    out, _ = run("metrics", "--from", "2026-03-01", "--step", "hour")
    assert out.splitlines()[1].split()[:5] == ["Mon", "02", "Mar", "09:00", "1"]
    file = tmp_path / "m.csv"
    out, _ = run("metrics", "--json", "--csv", str(file))
    (group,) = json.loads(out)["groups"]
    assert list(group["figures"]) == [one.name for one in DEFINITIONS]
    header, line = file.read_text().splitlines()
    assert header.split(",")[4:] == list(group["figures"])
    assert line.startswith("2026-03-02T00:00:00+01:00,2026-03-02T10:00:00")
    assert line.split(",")[2:6] == ["", "", "1", "1"]


def test_what_waits_and_who_was_forgotten_is_told(run):
    assert run("backlog")[0].splitlines()[1].split()[:4] == ["x", "@care", "1", "1"]
    assert "lost; 9 quick answers in a row win it back" in run("badges")[0]
    assert run("behind", "waiting_late")[0] == "1\n"
    assert json.loads(run("orphans", "--json")[0]) == {"items": [1], "next": None}
    assert "cases (count): Cases opened," in run("figures")[0]


def test_an_unknown_figure_or_queue_is_named(run):
    assert "no figure 'speed'" in run("behind", "speed")[1]
    assert "no queue 'nowhere'" in run("metrics", "--queue", "nowhere")[1]
