"""Whatever is asked wrongly of `wfm`: one clear sentence, exit code 2, and nothing changed."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.table import Table

from api.cli import shell
from api.cli.forecast import check_target
from api.cli.main import main, now_first
from wfm.errors import RequestError
from wfm.ingest.agents import import_agents
from wfm.ingest.brandfile import import_brand
from wfm.ingest.volumeoptions import VolumeOptions
from wfm.ingest.volumes import import_volumes
from wfm.settings import Settings
from wfm.store.engine import HEAD, open_store

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"
EXAMPLES = dict(
    re.findall(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
)
DAY = "timestamp,queue,value\n" + "".join(f"2026-02-02 {h:02}:00,x,{h}\n" for h in range(24))

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `wfm ...`; gives exit code, standard output, standard error."""

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wfm", *words])
        # `--now` goes to the environment, for what the command starts; here it must not stay.
        monkeypatch.setenv("WFM_NOW", os.environ.get("WFM_NOW", ""))
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture
def home() -> Path:
    return Path(os.environ["WFM_HOME"])


def write_files(folder: Path) -> None:
    for name, text in {**EXAMPLES, "day.csv": DAY}.items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQLite file of a store with the page's brand, its agents and a day of volumes."""
    folder = tmp_path_factory.mktemp("kept")
    settings = Settings(home=folder / "home")
    store = open_store(settings.store_url)
    write_files(folder)
    import_brand(store, folder / "brand.toml", actor="t")
    import_agents(store, folder / "agents.csv", actor="t")
    import_volumes(store, [folder / "day.csv"], VolumeOptions(), actor="t")
    store.close()
    (file,) = settings.home.glob("*.sqlite*")
    return file


@pytest.fixture
def filled(kept: Path, home: Path, tmp_path: Path) -> Path:
    """The test's own copy of that file, which the commands open; what it was made of lies near."""
    write_files(tmp_path)
    home.mkdir(mode=0o700)
    return Path(shutil.copy(kept, home))


def dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


SPAN = ("--from", "2026-02-03", "--to", "2026-02-04")

REFUSED = {
    "no such command": (["bakctest"], "Did you mean 'backtest'? See `wfm --help`."),
    "no such option": (["plans", "--jsn"], "See `wfm plans --help`."),
    "an option left out": (["backtest"], "Missing option '--queue'. See `wfm backtest --help`."),
    "weeks out of range": (["forecast", "--queue", "x", "--weeks", "0"], "'--weeks'"),
    "no weeks to plan": (["plan", "--weeks", "0"], "weeks is 0; a plan covers 1 to 8 weeks"),
    "a seed below 0": (["plan", "--seed", "-1"], "seed is -1"),
    "too few replications": (["plan", "--replications", "1"], "replications is 1"),
    "a day that is none": (["plan", "--from", "soon"], "'soon' is not a date"),
    "a day that is none, forecast": (
        ["forecast", "--queue", "x", "--from", "2026-02-30"],
        "'2026-02-30' is not a date",
    ),
    "an unknown queue": (["forecast", "--queue", "nope"], "no queue 'nope'; Harbour & Pine has x"),
    "a queue without history": (["backtest", "--queue", "email"], "has no volumes before"),
    "an unknown model": (
        ["forecast", "--queue", "x", "--from", "2026-02-03", "--model", "oracle"],
        "no forecaster 'oracle'; there are weekly_naive",
    ),
    "too little history": (["backtest", "--queue", "x"], "a forecast needs 14"),
    "an ending nobody writes": (
        ["forecast", "--queue", "x", "--out", "out.xlsx"],
        "end its name in .csv or .parquet or .json",
    ),
    "a folder that is not there": (
        ["forecast", "--queue", "x", "--out", "/nowhere/out.csv"],
        "there is no /nowhere",
    ),
    "a forecast of no name": (["why", "x", "2026-02-02", "--forecast", "best"], "'best' names no"),
    "a time no forecast covers": (["why", "x", "2026-02-02 18:00"], "no forecast covers queue 'x'"),
    "a time that is none": (["why", "x", "tonight"], "'tonight' is not a time"),
    "an adjustment of no kind": (
        ["adjust", "x"],
        "one of --set N, --percent P and --range LOW HIGH",
    ),
    "an adjustment of two kinds": (
        ["adjust", "x", *SPAN, "--set", "5", "--percent", "5", "--reason", "r"],
        "one of --set N",
    ),
    "an adjustment without a span": (["adjust", "x", "--set", "5"], "--from and --to"),
    "an adjustment without a reason": (["adjust", "x", *SPAN, "--set", "5"], "needs a reason"),
    "an adjustment off the grid": (
        ["adjust", "x", "--from", "2026-02-03 09:07", *SPAN[2:], "--set", "5", "--reason", "r"],
        "lies between two intervals",
    ),
    "an adjustment backwards": (
        ["adjust", "x", "--from", "2026-02-05", "--to", "2026-02-04", "--set", "5"],
        "not after its start",
    ),
    "a range upside down": (
        ["adjust", "x", *SPAN, "--range", "9", "5", "--reason", "r"],
        "a range from 9.0 to 5.0",
    ),
    "an adjustment of an unknown queue": (
        ["adjust", "nope", *SPAN, "--set", "5", "--reason", "r"],
        "no queue 'nope'",
    ),
    "a withdrawal and an adjustment": (
        ["adjust", "x", "--withdraw", "1"],
        "--withdraw stands alone",
    ),
    "an unknown adjustment": (["adjust", "--withdraw", "7"], "there is no adjustment 7"),
    "an unknown mark": (["mark", "accept", "7"], "there is no mark 7"),
    "a mark of no kind": (
        ["mark", "add", "x", *SPAN, "--kind", "viral", "--reason", "r"],
        "choose outage or outlier",
    ),
    "a mark on the future": (
        [
            "mark",
            "add",
            "x",
            "--from",
            "2090-01-01",
            "--to",
            "2090-01-02",
            "--kind",
            "outage",
            "--reason",
            "r",
        ],
        "marks are on the past",
    ),
    "accuracy of an unknown queue": (["accuracy", "--queue", "nope"], "no queue 'nope'"),
    "an unknown plan": (["publish", "99"], "there is no plan 99"),
    "a plan of no name": (["certificate", "best"], "'best' names no plan"),
    "nothing published": (["certificate"], "no roster is published yet"),
    "nothing to publish": (["publish", "latest"], "there is no plan yet"),
    "staffing before a plan": (["staffing", "now"], "no roster is published yet"),
    "a zone that is none": (
        ["import", "volumes", "day.csv", "--zone", "Mars/Base"],
        "'Mars/Base' is no IANA time zone",
    ),
    "a scale that is none": (["import", "volumes", "day.csv", "--scale", "0"], "--scale 0"),
    "a step that is none": (["import", "volumes", "day.csv", "--step", "7min"], "--step '7min'"),
    "a choice that is none": (
        ["import", "volumes", "day.csv", "--ambiguous", "last"],
        "'last' is not one of",
    ),
    "an unknown role": (["key", "create", "--role", "king"], "'king' is no role"),
    "a key for nobody": (
        ["key", "create", "--role", "agent", "--agent", "a01"],
        "no agent 'a01'; did you mean 'a001'?",
    ),
    "an unknown key": (["key", "revoke", "none"], "no key 'none'"),
    "an unknown job": (["job", "cancel", "none"], "no job 'none'"),
    "a port that is none": (["serve", "--port", "99999"], "'--port'"),
    "an instant that is none": (["--now", "soon", "plans"], "'soon' is not an instant"),
    "an instant without a zone": (["--now", "2026-03-02", "plans"], "add Z for UTC or an offset"),
    "another brand than the demo's": (["demo", "--no-serve"], "the demo needs a store of its own"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_that_cannot_be_is_told_in_a_sentence_and_changes_nothing(
    run: Run, filled: Path, case: str
):
    words, wanted = REFUSED[case]
    before = dump(filled)

    code, printed, told = run(*words)

    *_, sentence = told.strip().splitlines()
    assert code == 2
    assert wanted in sentence
    assert sentence.startswith("wfm: ")
    assert "Traceback" not in told
    assert printed == ""
    assert dump(filled) == before


BEFORE_DATA = {
    "plan": (["plan"], "no brand yet"),
    "plans": (["plans"], "no brand yet"),
    "forecast": (["forecast", "--queue", "x"], "no brand yet"),
    "backtest": (["backtest", "--queue", "x"], "no brand yet"),
    "forecasts": (["forecasts"], "no brand yet"),
    "accuracy": (["accuracy"], "no brand yet"),
    "why": (["why", "x", "2026-02-02"], "no brand yet"),
    "adjustments": (["adjustments"], "no brand yet"),
    "marks": (["marks"], "no brand yet"),
    "agents": (["import", "agents", "agents.csv"], "no brand yet"),
    "staffing": (["staffing", "now"], "no brand yet"),
}


@pytest.mark.parametrize("case", BEFORE_DATA)
def test_before_any_data_the_sentence_says_what_to_import(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
):
    (tmp_path / "agents.csv").write_text(EXAMPLES["agents.csv"], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    words, wanted = BEFORE_DATA[case]

    code, _, told = run(*words)

    assert (code, wanted in told) == (2, True)
    assert "wfm import brand" in told


SETTINGS = {
    "WFM_NOW": ("soon", "WFM_NOW: 'soon' is not an instant"),
    "WFM_CLOCK_RATE": ("0", "WFM_CLOCK_RATE: Input should be greater than 0"),
    "WFM_DATABASE_URL": ("somewhere", "WFM_DATABASE_URL is no database URL"),
    "WFM_HOME": ("/dev/null/home", "the folder /dev/null/home cannot be made"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_makes_no_sense_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
):
    value, wanted = SETTINGS[name]
    monkeypatch.setenv(name, value)

    code, _, told = run("plans")

    assert (code, wanted in told) == (2, True)


def test_a_setting_set_to_nothing_counts_as_not_set(monkeypatch: pytest.MonkeyPatch):
    for name in ("WFM_HOME", "WFM_DATABASE_URL", "WFM_NOW", "WFM_CLOCK_RATE"):
        monkeypatch.setenv(name, "")

    chosen = Settings()

    assert (chosen.now, chosen.database_url, chosen.clock_rate) == (None, None, 1.0)
    assert chosen.home.is_absolute()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_told_before_anything_is_done(run: Run, home: Path, taken: int, command):
    code, _, told = run(command, "--port", str(taken))

    assert (code, f"port {taken} of 127.0.0.1 is in use" in told) == (2, True)
    if command == "demo":
        assert not (home / "wfm.sqlite").exists()


@pytest.mark.parametrize(
    "words", [["plans"], ["plan"], ["import", "agents", "agents.csv"], ["serve", "--port", "0"]]
)
def test_a_database_of_a_newer_version_is_left_alone(run: Run, filled: Path, words: list[str]):
    connection = sqlite3.connect(filled)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = dump(filled)

    code, _, told = run(*words)

    assert code == 2
    assert f"the database stands at version 9999, this program knows up to {HEAD}" in told
    assert dump(filled) == before


def test_a_file_that_is_no_database_is_left_alone(run: Run, home: Path):
    home.mkdir(parents=True)
    (home / "wfm.sqlite").write_bytes(b"\x00not a database\xff" * 400)
    before = (home / "wfm.sqlite").read_bytes()

    code, _, told = run("plans")

    assert (code, "is not a SQLite database" in told) == (2, True)
    assert (home / "wfm.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    "words", [["import", "campaigns", "campaigns.csv"], ["key", "create", "--role", "planner"]]
)
def test_a_database_that_only_reads_is_told_and_stays_as_it_is(
    run: Run, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
):
    before = dump(filled)
    monkeypatch.chdir(tmp_path)
    # Not chmod: it does not bind root.
    monkeypatch.setenv("WFM_DATABASE_URL", f"sqlite:///file:{filled}?mode=ro&uri=true")

    code, _, told = run(*words)

    assert (code, "is read-only; make" in told) == (2, True)
    assert dump(filled) == before


def test_the_clock_may_be_set_anywhere_on_the_line(run: Run, filled: Path):
    now = "2026-03-02T09:00Z"
    assert now_first(["plans", "--now", now, "--json"]) == ["--now", now, "plans", "--json"]
    assert now_first(["plans", f"--now={now}"]) == [f"--now={now}", "plans"]
    assert now_first(["import", "brand", "--", "--now"]) == ["import", "brand", "--", "--now"]

    code, printed, _ = run("plans", "--json", "--now", now)

    assert (code, json.loads(printed)) == (0, {"plans": []})


def test_an_interrupt_is_told_and_exits_as_a_shell_expects(
    run: Run, filled: Path, monkeypatch: pytest.MonkeyPatch
):
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wfm.store.plans.listing", stopped)

    code, printed, told = run("plans")

    assert (code, printed) == (130, "")
    assert told == "wfm: stopped; what was finished is kept, nothing is half-written\n"


@pytest.mark.parametrize("width", [40, 80, 110])
def test_no_cell_of_a_table_is_cut_on_a_narrow_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
):
    monkeypatch.setattr(shell.out, "_width", width)
    table = Table("plan", "what it is", box=None, pad_edge=False)
    table.add_row("1", "published and long " * 10)

    shell.show_table(table)

    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split() == ["plan", "what", "it", "is"]
    assert row == "1     " + ("published and long " * 10).rstrip()


def test_a_target_in_a_folder_that_exists_is_taken(tmp_path: Path):
    check_target(tmp_path / "out.csv")
    (tmp_path / "other.csv").mkdir()
    with pytest.raises(RequestError, match="is a folder"):
        check_target(tmp_path / "other.csv")
