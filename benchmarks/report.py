"""How every benchmark tells its figures: a table for people, the same rows as JSON for machines."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = (
    "numpy",
    "pandas",
    "numba",
    "pulp",
    "highspy",
    "statsmodels",
    "prophet",
    "lightgbm",
    "holidays",
    "sqlalchemy",
)

# Figures below it are shown to five places: a gap of 0.0005 is not none.
SMALL = 0.01


def parser(description: str) -> argparse.ArgumentParser:
    """A parser of the options that all benchmarks share: --quick, --json FILE, --seed N."""
    shared = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared.add_argument("--quick", action="store_true", help="end within a minute")
    shared.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    shared.add_argument("--seed", type=int, default=1)
    return shared


def arguments(description: str) -> argparse.Namespace:
    """The shared options of a benchmark that has no others."""
    return parser(description).parse_args()


def meta(**more: Any) -> dict[str, Any]:
    """Where and with what the figures were made."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "versions": {name: _version(name) for name in LIBRARIES},
        **more,
    }


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "absent"


def show(benchmark: str, about: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """Print the rows as an aligned table under lines that say how they were made."""
    versions = " ".join(f"{k} {v}" for k, v in about["versions"].items())
    listed = {k: v for k, v in about.items() if isinstance(v, dict) and k != "versions"}
    rest = " ".join(f"{k} {v}" for k, v in about.items() if k not in {"versions", *listed})
    print(f"{benchmark}: {rest}\n{versions}")
    for name, values in listed.items():
        print(f"{name}: " + "; ".join(f"{k} {v}" for k, v in values.items()))
    print()
    _table(rows)


def _table(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    columns = list(rows[0])
    cells = [[_cell(row.get(c)) for c in columns] for row in rows]
    widths = [max(len(c), *(len(r[i]) for r in cells)) for i, c in enumerate(columns)]
    print("  ".join(c.ljust(w) for c, w in zip(columns, widths, strict=True)))
    for row in cells:
        print("  ".join(v.ljust(w) for v, w in zip(row, widths, strict=True)))


def _cell(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.5f}" if 0.0 < abs(value) < SMALL else f"{value:,.3f}"


def finish(
    benchmark: str,
    rows: Sequence[dict[str, Any]],
    args: argparse.Namespace,
    *,
    tables: Mapping[str, Sequence[dict[str, Any]]] | None = None,
    **more: Any,
) -> None:
    """Show the rows, and write them with `--json`; `tables` are further ones, by name."""
    about = meta(seed=args.seed, quick=args.quick, **more)
    show(benchmark, about, rows)
    further = {name: list(table) for name, table in (tables or {}).items()}
    for name, table in further.items():
        print(f"\n{name}:")
        _table(table)
    if args.json:
        document = {"benchmark": benchmark, "meta": about, "rows": list(rows), **further}
        args.json.write_text(json.dumps(document, indent=2) + "\n")


def resident_mb(pid: int | None = None) -> float:
    """Resident memory of a process, MiB; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid or os.getpid()}/status").read_text()
    except OSError:
        return 0.0
    line = next((ln for ln in status.splitlines() if ln.startswith("VmRSS:")), "VmRSS: 0 kB")
    return int(line.split()[1]) / 1024


@contextmanager
def peak_memory(every_s: float = 0.02) -> Iterator[list[float]]:
    """Watches this process's resident memory; the list's last value is the peak so far, MiB."""
    peak = [resident_mb()]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(every_s):
            peak[0] = max(peak[0], resident_mb())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()
        peak[0] = max(peak[0], resident_mb())


@contextmanager
def stage(rows: list[dict[str, Any]], name: str) -> Iterator[None]:
    """Adds a row: seconds on the clock, seconds of CPU in all threads, and peak memory."""
    wall, cpu = time.perf_counter(), time.process_time()
    with peak_memory() as peak:
        yield
    rows.append(
        {
            "stage": name,
            "wall_s": round(time.perf_counter() - wall, 3),
            "cpu_s": round(time.process_time() - cpu, 3),
            "peak_mb": round(peak[0], 1),
        }
    )
    print(f"  {name}: {rows[-1]['wall_s']:.1f} s", file=sys.stderr, flush=True)
