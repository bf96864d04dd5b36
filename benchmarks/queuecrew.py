"""Processes of workers that are told by lines of JSON, and what a server's processes use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.peers import ROOT


@contextmanager
def crew(command: Sequence[str], processes: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes of workers, which end with the block."""
    started = [
        subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(processes)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.communicate()


def say(process: subprocess.Popen[str], line: str) -> None:
    """Give a worker a line."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a worker says next; ends the benchmark when it says nothing more."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        sys.exit("a worker ended; what it said stands above")
    heard: dict[str, Any] = json.loads(line)
    return heard


def server_cpu_s(postmaster: int) -> float:
    """CPU that the server's processes have used so far; 0 where nobody serves or tells."""
    if not postmaster:
        return 0.0
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended just now
        if int(fields[1]) == postmaster:
            ticks += int(fields[11]) + int(fields[12])
        elif int(stat.parent.name) == postmaster:
            ticks += sum(int(field) for field in fields[11:15])  # with its children that ended
    return ticks / os.sysconf("SC_CLK_TCK")
