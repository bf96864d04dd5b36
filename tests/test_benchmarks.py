"""Benchmarks tell their figures twice: as a table for people and as rows for machines."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import pytest

from benchmarks.report import finish, peak_memory, stage

ROWS = [{"stage": "one", "wall_s": 1.5}, {"stage": "two", "wall_s": 1234.5}]


def test_rows_are_printed_and_written_as_documented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "figures.json"
    finish("chain", ROWS, argparse.Namespace(seed=7, quick=True, json=file), weeks=1)
    written = json.loads(file.read_text())
    assert set(written) == {"benchmark", "meta", "rows"}
    assert (written["benchmark"], written["rows"]) == ("chain", ROWS)
    assert written["meta"]["seed"] == 7
    assert written["meta"]["versions"]["numpy"]
    printed = capsys.readouterr().out.splitlines()
    assert printed[-3].split() == ["stage", "wall_s"]
    assert printed[-1].split() == ["two", "1,234.500"]


def test_a_stage_is_charged_with_its_time_and_memory(capsys: pytest.CaptureFixture[str]):
    rows: list[dict[str, float]] = []
    with stage(rows, "filling"):
        block = bytearray(64 * 1024 * 1024)
        block[::4096] = b"x" * len(block[::4096])
    assert rows[0]["stage"] == "filling"
    assert rows[0]["wall_s"] > 0
    assert rows[0]["peak_mb"] > 64
    assert "filling" in capsys.readouterr().err


def test_peak_memory_remembers_what_was_given_back():
    with peak_memory(every_s=0.001) as peak:
        before = peak[0]
        block = bytearray(96 * 1024 * 1024)
        block[::4096] = b"x" * len(block[::4096])
        time.sleep(0.05)
        del block
    assert peak[0] > before + 64
