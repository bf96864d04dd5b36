"""The invariants of ARCHITECTURE.md that can be read from the source, each one a test."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("wfm", "forecasting", "scheduling", "api")
PURE = ("forecasting", "scheduling")

# Lower ranks may not import higher ones; equal ranks may not import each other across packages.
RANK = {"wfm": 0, "forecasting": 1, "scheduling": 1, "api": 2}

# Inside wfm: errors first, the store above the language, ingest and the queue above the store.
WFM_RANK = {
    "errors": 0,
    "progress": 1,
    "timegrid": 1,
    "calendars": 2,
    "settings": 2,
    "roles": 2,
    "rules": 2,
    "order": 2,
    "sla": 3,
    "care": 3,
    "clocks": 5,
    "cases": 3,
    "people": 3,
    "campaigns": 3,
    "adjustments": 3,
    "marks": 3,
    "brands": 4,
    "frames": 5,
    "paths": 5,
    "store": 6,
    "triage": 7,
    "customers": 7,
    "metrics": 7,
    "ingest": 8,
    "casequeue": 8,
}

# Library -> the only places that may import it.
ONE_IMPORTER = {
    "prophet": ("forecasting/challengers/prophet.py",),
    "statsmodels": ("forecasting/challengers/statsmodels.py",),
    "pulp": ("scheduling/rostering/solver.py",),
    "highspy": ("scheduling/rostering/solver.py", "scheduling/rostering/columns.py"),
    "pandera": ("wfm/frames.py",),
    "plotly": ("api/console/",),
    "dash": ("api/console/",),
    "dash_ag_grid": ("api/console/",),
    "fastapi": ("api/",),
    "starlette": ("api/",),
    "uvicorn": ("api/",),
    "dbos": ("api/jobs.py",),
    "icalendar": ("api/exports/ical.py",),
    "xlsxwriter": ("api/exports/xlsx.py",),
    "typer": ("api/cli/",),
    "rich": ("api/cli/",),
    "alembic": ("wfm/store/",),
    "sqlalchemy": ("wfm/store/",),
}

# Nothing in the product may use these: they clash with what we use, or run what a stranger wrote.
FORBIDDEN = {"ortools", "pickle", "cloudpickle", "dill", "joblib"}


def sources() -> list[Path]:
    return sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def imports(path: Path, *, typing_only: bool = True) -> tuple[tuple[str, int], ...]:
    """Modules a file imports, anywhere in it; without those under TYPE_CHECKING if told so."""
    return tuple(_imports(path, typing_only=typing_only))


def _imports(path: Path, *, typing_only: bool) -> Iterator[tuple[str, int]]:
    tree = ast.parse(path.read_text())
    skipped: set[ast.AST] = set()
    if not typing_only:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                skipped.update(n for child in node.body for n in ast.walk(child))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path)}:{node.lineno} imports relatively"
            module = node.module or ""
            yield module, node.lineno
            for alias in node.names:
                yield f"{module}.{alias.name}", node.lineno


def test_imports_point_down():
    wrong = []
    for path in sources():
        own = path.relative_to(ROOT).parts[0]
        for name, line in imports(path):
            other = name.split(".")[0]
            if other in RANK and other != own and RANK[other] >= RANK[own]:
                wrong.append(f"{place(path)}:{line} {own} imports {name}")
    assert wrong == []


def test_inside_wfm_imports_point_down():
    wrong = []
    for path in sorted((ROOT / "wfm").rglob("*.py")):
        own = path.relative_to(ROOT / "wfm").parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        assert own in WFM_RANK, f"give wfm.{own} its place in WFM_RANK"
        for name, line in imports(path):
            parts = name.split(".")
            if parts[0] != "wfm" or len(parts) < 2 or parts[1] not in WFM_RANK:
                continue
            if parts[1] != own and WFM_RANK[parts[1]] > WFM_RANK[own]:
                wrong.append(f"{place(path)}:{line} wfm.{own} imports {name}")
    assert wrong == []


@pytest.mark.parametrize("library", sorted(ONE_IMPORTER))
def test_a_library_is_imported_only_where_it_belongs(library: str):
    wrong = [
        f"{place(path)}:{line}"
        for path in sources()
        for name, line in imports(path, typing_only=False)
        if name.split(".")[0] == library and not place(path).startswith(ONE_IMPORTER[library])
    ]
    assert wrong == []


def test_nothing_clashing_or_dangerous_is_imported():
    wrong = [
        f"{place(path)}:{line} {name}"
        for path in sources()
        for name, line in imports(path)
        if name.split(".")[0] in FORBIDDEN
    ]
    assert wrong == []


def test_package_files_hold_only_a_docstring():
    for path in sources():
        if path.name == "__init__.py":
            body = ast.parse(path.read_text()).body
            assert len(body) == 1, place(path)
            assert isinstance(body[0], ast.Expr), place(path)


def test_no_module_bears_a_standard_librarys_name():
    for path in sources():
        parts = path.relative_to(ROOT).with_suffix("").parts
        assert parts[-1] == "__init__" or len(parts) > 1, place(path)
    tops = {p.stem for p in ROOT.glob("*.py")} | set(PACKAGES)
    assert not tops & set(sys.stdlib_module_names)


CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "pd.Timestamp.now",
    "Timestamp.now",
}


def calls(path: Path) -> Iterator[tuple[str, int, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno, node


def test_only_the_system_clock_asks_the_time():
    wrong = [
        f"{place(path)}:{line} {name}"
        for path in sources()
        for name, line, _ in calls(path)
        if name in CLOCKS and place(path) != "wfm/timegrid.py"
    ]
    assert wrong == []


def test_pure_packages_touch_no_disk_environment_or_unseeded_randomness():
    wrong = []
    for path in sources():
        if path.relative_to(ROOT).parts[0] not in PURE:
            continue
        for name, line in imports(path):
            if name.split(".")[0] in {"os", "pathlib", "shutil", "socket", "tempfile", "random"}:
                wrong.append(f"{place(path)}:{line} imports {name}")
        for name, line, call in calls(path):
            unseeded = name.endswith("default_rng") and not (call.args or call.keywords)
            if name in {"open", "print", "input"} or unseeded:
                wrong.append(f"{place(path)}:{line} calls {name}")
    assert wrong == []


HEAVY = (
    "pandas", "numpy", "numba", "scipy", "pulp", "highspy", "prophet", "statsmodels", "fastapi",
    "starlette", "dash", "plotly", "pandera", "pyarrow", "dbos", "alembic", "pydantic", "httpx",
)  # fmt: skip


LIGHT_MB = 60


def light_modules() -> list[str]:
    """Everything of the live queue's path."""
    folders = ("casequeue", "triage", "customers", "ingest/connectors")
    files = [p for folder in folders for p in (ROOT / "wfm" / folder).glob("*.py")]
    files += [ROOT / "wfm/ingest" / name for name in ("intake.py", "inbox.py", "signing.py")]
    modules = [place(p).removesuffix(".py").replace("/", ".") for p in files]
    return sorted(m for m in modules if not m.endswith("__init__"))


def test_the_live_queues_path_is_light():
    script = (
        "import importlib, sys\n"
        f"for name in {light_modules()!r}: importlib.import_module(name)\n"
        f"print(*sorted(set({HEAVY!r}) & set(sys.modules)))\n"
        "status = open('/proc/self/status').read() if sys.platform == 'linux' else 'VmRSS: 0 kB'\n"
        "print(status.split('VmRSS:')[1].split()[0])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded, resident_kb = told.stdout.split("\n")[:2]
    assert loaded == ""
    assert int(resident_kb) < LIGHT_MB * 1024


def test_the_lock_file_holds_hashes_and_no_address():
    text = (ROOT / "requirements.lock").read_text()
    assert "--hash=sha256:" in text
    assert "://" not in text


def test_no_file_holds_a_path_of_a_machine_or_a_registry():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split("\0")
    words = ["/wo" + "rk/", "py" + "pi.org", "files.python" + "hosted", "npm" + "js.org"]
    wrong = []
    for name in filter(None, listed):
        file = ROOT / name
        if file.suffix in {".png", ".parquet"} or not file.is_file():
            continue
        text = file.read_text(errors="replace")
        wrong += [f"{name}: {word}" for word in words if word in text]
    assert wrong == []
