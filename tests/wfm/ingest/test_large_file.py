"""A file far larger than memory should hold comes in with bounded memory, telling its progress."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

MEGABYTE = 1_000_000
ALLOWED_MB = 300

PROGRAM = """
import json, re, sys, time
from pathlib import Path
from wfm.ingest.brandfile import import_brand
from wfm.ingest.volumeoptions import VolumeOptions
from wfm.ingest.volumes import import_volumes
from wfm.store.engine import open_store

def memory_mb(kind):
    # Not getrusage: its peak is inherited through exec, here from the test runner.
    return int(re.search(kind + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

folder = Path(sys.argv[1])
store = open_store(f"sqlite:///{folder / 'large.sqlite'}")
import_brand(store, folder / "brand.toml", actor="t")
before, told, began = memory_mb("VmRSS"), [], time.monotonic()
report = import_volumes(
    store, [folder / "large.csv"], VolumeOptions(queue="x"), actor="t",
    progress=lambda done, stage: told.append((time.monotonic(), done)),
)
gaps = [b[0] - a[0] for a, b in zip(told, told[1:])]
print(json.dumps({
    "grown_mb": memory_mb("VmHWM") - before, "seconds": time.monotonic() - began, "told": len(told),
    "longest_silence_s": max(gaps), "ordered": all(a[1] <= b[1] for a, b in zip(told, told[1:])),
    "rows": report.rows_read, "written": report.written,
}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_two_hundred_megabytes_are_streamed(tmp_path: Path, brand_path: Path):
    step_s, per_piece = 60, 100_000
    row = ",1," + "a remark that nobody asked for as exports carry them along; " * 2
    pieces = 200 * MEGABYTE // ((20 + len(row)) * per_piece) + 1
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.write(b"timestamp,value,remark\n")
        start = np.datetime64("2024-01-01T00:00:00")
        for piece in range(pieces):
            seconds = step_s * np.arange(piece * per_piece, (piece + 1) * per_piece)
            stamps = np.datetime_as_string(start + seconds.astype("timedelta64[s]"), unit="s")
            file.write("".join(f"{stamp}{row}\n" for stamp in stamps).encode())
    assert path.stat().st_size >= 200 * MEGABYTE

    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["rows"] == pieces * per_piece
    assert found["written"] == pieces * per_piece // 15
    # Something must have grown: a bound on a figure that never moves would show nothing.
    assert 1 < found["grown_mb"] < ALLOWED_MB, found
    assert found["ordered"]
    assert found["told"] > 20
    assert found["longest_silence_s"] < 10, found  # a second, on a machine that is not busy
