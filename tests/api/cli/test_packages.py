"""Another distribution's package of one of our names is told in a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli.packages import NAMES, stranger_among

ROOT = Path(__file__).parents[3]
WFM = "import sys; sys.argv = ['wfm', '--help']; from api.cli.main import main; main()"


def run(folder: Path, program: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


def test_our_own_packages_are_no_strangers():
    assert stranger_among() is None
    assert NAMES == ("api", "forecasting", "scheduling", "wfm")


@pytest.mark.parametrize("name", ["forecasting", "scheduling", "wfm"])
def test_a_strangers_package_is_told_with_its_place_and_a_way_out(name: str, tmp_path: Path):
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    done = run(tmp_path, WFM)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"wfm: the package '{name}' of this program lies in {ROOT}, but Python finds another at "
        f"{tmp_path / name}; install wfm-social into an environment of its own\n"
    )


def test_a_package_that_is_missing_is_told():
    assert "Python finds none" in (stranger_among(("no_such_package",)) or "")


def test_the_commands_help_loads_no_database_and_no_table_library(tmp_path: Path):
    heavy = ("sqlalchemy", "pydantic", "pandas", "numpy", "fastapi", "dbos", "dash")
    program = (
        "import sys, api.cli.main; "
        f"sys.stdout.write(' '.join(name for name in {heavy!r} if name in sys.modules))"
    )
    done = run(tmp_path, program)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
