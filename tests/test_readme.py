"""The README's commands run, in order, on one store, as a reader would run them."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from api.cli.main import app

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.xdist_group("sample")
def test_the_commands_of_the_readme_run(build: ModuleType, sample_home: Path):
    commands = build.commands((ROOT / "README.md").read_text())
    assert commands[0] == "wfm demo --no-serve"
    for command in commands:
        if command.startswith("python -m benchmarks"):
            command += " --quick"  # noqa: PLW2901 - the same rows, in less time
        done = build.run(command, sample_home)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip(), command


def test_the_readmes_other_commands_exist_with_the_options_shown():
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    plain = [block for language, block in blocks if not language]
    shown = [line for block in plain for line in block.splitlines() if line.startswith("wfm ")]
    assert len(shown) >= 6
    for line in shown:
        # With --help the words are read, and refused where one is unknown, but nothing is done.
        done = CliRunner().invoke(app, [*shlex.split(line)[1:], "--help"])
        assert done.exit_code == 0, f"{line}\n{done.output}"
        assert "Usage" in done.output


def test_every_file_the_readme_points_to_exists():
    text = (ROOT / "README.md").read_text()
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    assert targets
    assert [t for t in targets if not (ROOT / t).exists()] == []


def test_the_makefile_has_the_readmes_two_commands():
    makefile = (ROOT / "Makefile").read_text()
    text = (ROOT / "README.md").read_text()
    for target in ("run", "test"):
        assert f"make {target}" in text
        assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE)
