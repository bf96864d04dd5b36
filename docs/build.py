"""Rebuilds what the README shows from a real run: command output, figures, screenshots.

    make docs

A block of the README after a line `<!-- run: COMMAND -->` is replaced by the command and what
it printed. All commands run in order on one throw-away store, so the page tells one story.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"

# <!-- run: COMMAND -->, then one fenced block that holds what it printed.
BLOCK = re.compile(r"<!-- run: (?P<command>.+?) -->\n```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """The commands a page promises to have run, in order."""
    return [match["command"] for match in BLOCK.finditer(text)]


def run(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the page as a reader would, in a store of its own."""
    here = Path(sys.executable).parent
    environment = {
        **os.environ,
        "WFM_HOME": str(home),
        "PATH": f"{here}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "110",
        "NO_COLOR": "1",
    }
    return subprocess.run(
        command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def rebuild(text: str, home: Path) -> str:
    """The page with every block's output made anew; stops at the first command that fails."""

    def again(match: re.Match[str]) -> str:
        command = match["command"]
        print(f"$ {command}", flush=True)
        done = run(command, home)
        if done.returncode != 0:
            sys.exit(f"{command} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
        shown = "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines())
        return f"<!-- run: {command} -->\n```console\n$ {command}\n{shown}\n```"

    return BLOCK.sub(again, text)


@contextmanager
def served(home: Path) -> Iterator[str]:
    """A service on the store, on a free port; gives its sign-in link."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("wfm")
    service = subprocess.Popen(
        [program, "serve", "--port", str(port)],
        env={**os.environ, "WFM_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert service.stdout is not None
        yield service.stdout.readline().strip()
    finally:
        service.terminate()
        service.wait(timeout=30)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="wfm-docs-") as folder:
        home = Path(folder)
        README.write_text(rebuild(README.read_text(), home))
        with served(home) as link:
            subprocess.run(
                [sys.executable, ROOT / "docs" / "take_screenshots.py", link], check=True
            )


if __name__ == "__main__":
    main()
