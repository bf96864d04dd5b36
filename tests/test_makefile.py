"""The Makefile sets itself up, and says in a sentence what a machine lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(tmp_path: Path, python: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a target with an interpreter of our own making, in an environment of its own."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{python}\n")
    program.chmod(0o755)
    return subprocess.run(
        ["make", *words, f"PY={program}", f"V={tmp_path / 'venv'}"],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_venv_module_is_told_in_a_sentence(tmp_path: Path):
    done = make(tmp_path, 'case "$2" in *ensurepip*) exit 1;; esac', "run")
    assert done.returncode != 0
    assert "install it first: apt-get install python3-venv" in done.stdout
    assert not (tmp_path / "venv").exists()


def test_a_python_that_is_too_old_is_told_in_a_sentence(tmp_path: Path):
    old = 'case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac'
    done = make(tmp_path, old, "run")
    assert done.returncode != 0
    assert "wfm needs Python 3.11 or newer; found Python 3.9.2" in done.stdout


def test_help_lists_every_target(tmp_path: Path):
    done = make(tmp_path, "exit 0", "help")
    for target in ("install", "run", "test", "check", "bench", "docs"):
        assert f"\n{target} " in f"\n{done.stdout}"
