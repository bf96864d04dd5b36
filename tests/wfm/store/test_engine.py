"""The store opens, migrates, commits whole transactions and tells its errors; on both databases."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.schema import CreateIndex

from wfm.errors import SetupError, StoreBusy, StoreReadOnly, StoreTooNew
from wfm.store import engine as engine_module
from wfm.store import tables
from wfm.store.engine import Store, open_store, set_stored_clock
from wfm.timegrid import SystemClock

WAITING = "ix_cases_waiting"


def test_the_migrations_build_exactly_the_declared_tables(store: Store):
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, tables.metadata)
        if store.is_sqlite:
            # Alembic cannot read the order of an index's columns there: its statement tells.
            differences = [d for d in differences if getattr(d[1], "name", "") != WAITING]
            stated = connection.scalar(
                sa.text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": WAITING}
            )
            declared = next(i for i in tables.cases.indexes if i.name == WAITING)
            assert stated == str(CreateIndex(declared).compile(dialect=connection.dialect))
    assert differences == []


def test_the_known_versions_are_those_of_the_migration_files():
    config = Config()
    folder = Path(engine_module.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [engine_module.HEAD]
    assert {s.revision for s in scripts.walk_revisions()} == set(engine_module.KNOWN)


def test_a_database_named_by_a_sqlite_uri_makes_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///file:one?mode=memory&uri=true").close()
    with pytest.raises(SetupError, match="cannot be opened"):
        open_store("sqlite:///file:no/where/wfm.db?uri=true")
    assert list(tmp_path.iterdir()) == []


def test_an_error_inside_a_write_leaves_nothing_behind(store: Store):
    def fail_midway() -> None:
        with store.writing("tester") as writing:
            writing.audit("test.action", "subject")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        fail_midway()
    with store.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.audit)) == 0


def test_every_write_carries_its_actor_and_the_clocks_instant(store: Store):
    with store.writing("planner:ann") as writing:
        writing.audit("test.action", "subject", after={"a": 1})
    with store.reading() as connection:
        row = connection.execute(sa.select(tables.audit)).one()
    assert (row.actor, row.at, row.after) == ("planner:ann", store.clock.now(), {"a": 1})


def test_opening_twice_keeps_what_is_there(make_store):
    with make_store().writing("a") as writing:
        writing.audit("x", "y")
    with make_store().reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.audit)) == 1


def test_a_database_of_a_newer_version_is_refused_with_a_way_out(make_store, store_url: str):
    store = make_store()
    with store.writing("a") as writing:
        writing.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew, match=r"9999.*install the newer program"):
        open_store(store_url)


def test_a_locked_sqlite_file_is_told_as_busy(sqlite_url: str):
    open_store(sqlite_url).close()
    holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    holder.execute("BEGIN IMMEDIATE")
    store = open_store(sqlite_url, busy_s=0.05)
    with pytest.raises(StoreBusy, match="try again"), store.writing("a"):
        pass
    holder.close()
    store.close()


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_read_only_sqlite_file_is_told_with_a_way_out(sqlite_url: str):
    open_store(sqlite_url).close()
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    uri = f"sqlite:///file:{file}?mode=ro&uri=true"
    engine = engine_module.make_engine(uri)
    with pytest.raises(StoreReadOnly, match="WFM_HOME"), engine.begin() as connection:
        connection.execute(tables.audit.delete())
    engine.dispose()


def test_a_file_that_is_no_database_is_told_with_a_way_out(tmp_path: Path):
    file = tmp_path / "wfm.sqlite"
    file.write_bytes(b"this is a letter, not a database" * 100)
    with pytest.raises(SetupError, match="not a SQLite database"):
        open_store(f"sqlite:///{file}")


def test_an_unsupported_or_malformed_url_is_told():
    with pytest.raises(SetupError, match="use SQLite"):
        open_store("mysql://localhost/x")
    with pytest.raises(SetupError, match="no database URL"):
        open_store("nonsense")


def test_a_postgres_that_does_not_answer_is_told_without_the_password():
    with pytest.raises(SetupError, match="no PostgreSQL server answers") as caught:
        open_store("postgresql://someone:sesame@127.0.0.1:1/x")
    assert "sesame" not in str(caught.value)


def test_a_stored_clock_is_shown_by_every_later_opening(make_store, store_url: str):
    shows = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
    with make_store().writing("demo") as writing:
        set_stored_clock(writing, SystemClock.starting_at(shows))
    later = open_store(store_url)
    assert timedelta(0) <= later.clock.now() - shows < timedelta(minutes=5)
    later.close()


def test_instants_come_back_as_utc(store: Store):
    berlin = datetime.fromisoformat("2026-03-02T10:30:00+01:00")
    with store.writing("a") as writing:
        writing.connection.execute(
            tables.clock.insert().values(
                id=1, shows=berlin, since=berlin, rate=1.0, **writing.stamp
            )
        )
    with store.reading() as connection:
        shows = connection.execute(sa.select(tables.clock.c.shows)).scalar_one()
    assert shows == berlin
    assert shows.utcoffset() == timedelta(0)
