"""`wfm import` from the command line: reports, exit codes, and nothing changed on bad input."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from api.cli.main import main

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"
EXAMPLES = dict(
    re.findall(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
)
HEADER = "timestamp,queue,value\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `wfm import ...`; gives exit code, standard output, standard error."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wfm", "import", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture
def files(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def branded(run: Run, files, ready_home: Path) -> Path:
    """The SQLite file of a store that holds the page's brand."""
    code, _, _ = run("brand", files("brand.toml", EXAMPLES["brand.toml"]))
    assert code == 0
    return ready_home / "wfm.sqlite"


def dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


@pytest.mark.parametrize("kind", ["agents", "volumes", "contacts", "campaigns"])
def test_each_example_comes_in_once_and_the_second_time_changes_nothing(
    run: Run, files, branded: Path, kind: str
):
    path = files(f"{kind}.csv", EXAMPLES[f"{kind}.csv"])

    code, said, _ = run(kind, path)
    assert code == 0
    assert f"{kind}.csv: " in said
    before = dump(branded)

    code, said, _ = run(kind, path, "--json")
    report = json.loads(said)
    assert (code, report["changed"], report["written"]) == (0, False, 0)
    assert dump(branded) == before


BAD = {
    "missing column": ("volumes", "timestamp,queue\n2026-02-02 09:00,x\n", "value"),
    "renamed column": ("volumes", "timestamp,queue,valeu\n2026-02-02 09:00,x,1\n", "--value-column valeu"),  # noqa: E501
    "unparsable time": ("volumes", HEADER + "2026-02-02 9am,x,1\n", "this is no time"),
    "ambiguous time": ("volumes", HEADER + "2025-10-26 02:15,x,1\n", "--ambiguous split or first"),
    "duplicate interval": ("volumes", HEADER + "2026-02-02 09:00,x,1\n2026-02-02 09:15,x,1\n2026-02-02 09:00,x,1\n", "on line 2 already"),  # noqa: E501
    "negative count": ("volumes", HEADER + "2026-02-02 09:00,x,-1\n", "cannot be negative"),
    "fractional count": ("volumes", HEADER + "2026-02-02 09:00,x,1.5\n", "whole number"),
    "unknown queue": ("volumes", HEADER + "2026-02-02 09:00,emial,1\n", "did you mean 'email'"),
    "empty file": ("volumes", "", "the file is empty"),
    "header only": ("volumes", HEADER, "no row under it"),
    "binary file": ("volumes", b"\x7fELF\x00\x00\x01", "no text"),
    "undecodable file": ("volumes", HEADER.encode() + b"2026-02-02 09:00,\xff,1\n", "line 2"),
    "overlapping contracts": ("agents", EXAMPLES["agents.csv"].replace("2026-02-28", "2026-03-05"), "overlaps the contract"),  # noqa: E501
    "agent without skill": ("agents", EXAMPLES["agents.csv"].replace("x;linkedin", ""), "a003 has no skill"),  # noqa: E501
    "campaign ends early": ("campaigns", EXAMPLES["campaigns.csv"].replace("2026-03-09 18:00", "2026-03-08 18:00"), "ends before it starts"),  # noqa: E501
    "shift too long": ("brand", EXAMPLES["brand.toml"].replace("minutes = 240", "minutes = 285"), "longer than the contract's day"),  # noqa: E501
    "goal out of reach": ("brand", EXAMPLES["brand.toml"].replace("threshold_s = 900", "threshold_s = 90"), "no staffing can meet this goal"),  # noqa: E501
    "other brand": ("brand", EXAMPLES["brand.toml"].replace("Harbour", "Hill"), "a store holds one brand"),  # noqa: E501
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_exits_with_2_says_why_and_changes_nothing(
    run: Run, files, branded: Path, case: str
):
    kind, content, words = BAD[case]
    before = dump(branded)
    options = ["--zone", "Europe/Berlin"] if kind == "volumes" else []

    code, _, said = run(kind, files(f"bad-{kind}.csv", content), *options)

    assert code == 2
    assert words in said
    assert dump(branded) == before


def test_a_file_that_is_not_there_is_told(run: Run, branded: Path):
    code, _, said = run("volumes", "nowhere.csv", "--queue", "x")
    assert (code, "there is no file nowhere.csv" in said) == (2, True)


def test_faults_come_as_json_when_asked(run: Run, files, branded: Path):
    path = files("bad.csv", HEADER + "2026-02-02 09:00,x,-1\nsoon,x,1\n")
    code, printed, _ = run("volumes", path, "--json")
    document = json.loads(printed)
    assert code == 2
    assert (document["code"], document["total"]) == ("file_faults", 2)
    assert document["faults"][0] == {
        "line": 2,
        "column": "value",
        "value": "-1",
        "remedy": "a count cannot be negative",
    }


def test_skipped_rows_are_listed(run: Run, files, branded: Path):
    rows = "".join(f"2026-02-02 09:{m:02},x,{m - 15}\n" for m in (0, 15, 30, 45))
    code, said, told = run("volumes", files("part.csv", HEADER + rows), "--skip-bad")
    assert code == 0
    assert "1 row skipped" in said
    assert "skipped line 2, value: '-15'" in told


def test_a_locked_database_is_told_and_nothing_changes(
    run: Run, files, branded: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        "wfm.store.engine.open_store.__kwdefaults__", {"clock": None, "busy_s": 0.1}
    )
    before = dump(branded)
    holder = sqlite3.connect(branded, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        code, _, said = run("volumes", files("volumes.csv", EXAMPLES["volumes.csv"]))
    finally:
        holder.close()
    assert code == 2
    assert "try again in a moment" in said
    assert dump(branded) == before
