"""The README's commands run, in order, on one store, as a reader would run them."""

from __future__ import annotations

import importlib.util
import re
import shlex
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from api.cli import demo
from api.cli.main import app, main
from api.planning import records
from forecasting.scoring.champion import DEFAULT

ROOT = Path(__file__).parents[1]


def _build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = _build()
COMMANDS: list[str] = build.commands((ROOT / "README.md").read_text())
BENCHMARKS = [command for command in COMMANDS if command.startswith("python -m benchmarks")]
ON_THE_DEMO = [command for command in COMMANDS if command not in BENCHMARKS]


def check_runs(command: str, home: Path) -> None:
    done = build.run(command, home)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert done.stdout.strip(), command


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the demo's store, planned for the two weeks that the README asks about.

    In less time: one forecast looks back, nothing is chosen among models, and fewer days judge.
    The forecast that the README asks for itself is made by all models.
    """
    home = tmp_path_factory.mktemp("demo")
    plan = partial(records.PlanRequest, models=(DEFAULT,), replications=40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WFM_HOME", str(home))
        patch.setattr(demo, "WEEKS", 2)
        patch.setattr(demo, "PAST_STARTS", demo.PAST_STARTS[-1:])
        patch.setattr(records, "PlanRequest", plan)
        done = CliRunner().invoke(app, ["demo", "--no-serve"])
    assert done.exit_code == 0, f"{done.output}\n{done.exception}"
    return home


# A test a command, all on one store: a file's tests are run by one worker, in their order.
@pytest.mark.slow
@pytest.mark.parametrize("command", ON_THE_DEMO[:1])
def test_the_readmes_first_command_runs_as_a_reader_runs_it(command: str, demo_home: Path):
    check_runs(command, demo_home)


@pytest.mark.slow
@pytest.mark.parametrize("command", ON_THE_DEMO[1:])
def test_a_command_of_the_readme_runs_on_the_demos_store(
    command: str,
    demo_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    # In this process, whose libraries are loaded: as programs they take three seconds each.
    monkeypatch.setenv("WFM_HOME", str(demo_home))
    monkeypatch.setattr("sys.argv", shlex.split(command))
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert not ended.value.code, f"{command}\n{printed.out}\n{printed.err}"
    assert printed.out.strip(), command


@pytest.mark.slow
@pytest.mark.parametrize("command", BENCHMARKS)
def test_a_benchmark_of_the_readme_runs(command: str, tmp_path: Path):
    # The same rows, in less time.
    check_runs(f"{command} --quick", tmp_path)


def test_the_readmes_story_begins_with_the_demo_and_is_told_by_wfm_and_benchmarks():
    assert COMMANDS[0] == "wfm demo --no-serve"
    assert BENCHMARKS
    assert all(command.startswith("wfm ") for command in ON_THE_DEMO)


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
