"""Makes `.bench-peers`: an environment for peers that cannot live in ours.

OR-Tools and highspy clash in one process, and statsforecast holds pandas back. Benchmarks run such
peers as a process of this environment's interpreter (`peer_python()`); `benchmarks/peers.lock` pins
what is in it, resolved from `benchmarks/peers.in`.

    python -m benchmarks.peers          # make or bring up to date
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".bench-peers"
LOCK = Path(__file__).with_name("peers.lock")


def peer_python() -> Path:
    """The interpreter of the peers' environment; says how to make it when it is missing."""
    python = HOME / "bin" / "python"
    if not python.exists():
        sys.exit("the peers' environment is missing; run: make bench-peers")
    return python


def main() -> None:
    if not (HOME / "bin" / "python").exists():
        venv.create(HOME, with_pip=False)
    uv = Path(sys.executable).with_name("uv")
    python = ["--python", str(HOME / "bin" / "python")]
    subprocess.run([uv, "pip", "sync", "--require-hashes", LOCK, *python], check=True)
    print(f"peers are ready in {HOME.name}")


if __name__ == "__main__":
    main()
