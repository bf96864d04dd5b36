"""Opening the store, and the two ways to use it: reading and writing.

The same statements run on a SQLite file in WAL mode and on PostgreSQL. On SQLite writers are
serialised in the process by a lock and between processes by BEGIN IMMEDIATE. Database errors that
a user can do something about are told as `WfmError`.

On the live queue's path: no pandas. Alembic is imported only when the database must be migrated.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.util import asbool

from wfm.errors import SetupError, StoreBusy, StoreReadOnly, StoreTooNew, WfmError
from wfm.store import tables
from wfm.timegrid import Clock, SystemClock

# Newest version of the database that this code knows: the head of `migrations/versions`.
HEAD = "0006"
KNOWN = ("0001", "0002", "0003", "0004", "0005", "0006")

# How long a writer waits for others, in this process and elsewhere, before StoreBusy.
BUSY_S = 5.0

# Connections at once: as many as the service has threads on SQLite, where one costs next to
# nothing; on PostgreSQL a share of what a server allows by default.
POOL = {"sqlite": 40, "postgresql": 20}

# On PostgreSQL, a lock that only those take who bring a database to a new version.
_MIGRATION_LOCK = 0x77666D01


@dataclass(frozen=True)
class Writing:
    """One write transaction: its connection, who writes, and when by the store's clock."""

    connection: sa.Connection
    actor: str
    at: datetime

    @property
    def stamp(self) -> dict[str, Any]:
        """Values of the `actor` and `written_at` columns."""
        return {"actor": self.actor, "written_at": self.at}

    def on(self, now: datetime | None) -> Writing:
        """The same transaction as if it were `now`; None keeps the instant it has."""
        return self if now is None else replace(self, at=now)

    def audit(
        self, action: str, subject: str, *, before: object = None, after: object = None
    ) -> None:
        """Keep who did what; `before` and `after` must be JSON-able and hold no secret."""
        self.connection.execute(
            tables.audit.insert().values(
                at=self.at,
                actor=self.actor,
                action=action,
                subject=subject,
                before=before,
                after=after,
            )
        )


@dataclass
class Store:
    """The product's ledger. `reading()` and `writing(actor)` are its only ways in.

    busy_s  seconds a writer waits for others before StoreBusy
    """

    engine: sa.Engine
    clock: Clock
    busy_s: float = BUSY_S
    _write_lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection in a read transaction: one consistent view."""
        with self._connected() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, actor: str) -> Iterator[Writing]:
        """A write transaction in `actor`'s name: committed at the end, or nothing of it is kept.

        StoreBusy after `busy_s`, however many wait and for whom.
        """
        with self._writing(actor, self.busy_s) as writing:
            yield writing

    @contextmanager
    def writing_if_free(self, actor: str) -> Iterator[Writing]:
        """Like `writing`, for what may as well be left undone: waits for nobody, StoreBusy."""
        with self._writing(actor, 0.0) as writing:
            yield writing

    @contextmanager
    def _writing(self, actor: str, wait_s: float) -> Iterator[Writing]:
        with self._turn(wait_s) as left_s, self._connected() as plain:
            connection = plain.execution_options(wfm_write=True, wfm_wait_s=left_s)
            with connection.begin():
                yield Writing(connection, actor, self.clock.now())

    @contextmanager
    def _turn(self, wait_s: float) -> Iterator[float]:
        """On SQLite this process's writers go one by one; gives how long is left to wait."""
        if not self.is_sqlite:
            yield wait_s
            return
        begun = time.monotonic()
        if not self._write_lock.acquire(timeout=wait_s):
            raise StoreBusy(_BUSY)
        try:
            yield max(0.0, wait_s - (time.monotonic() - begun))
        finally:
            self._write_lock.release()

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        try:
            connection = self.engine.connect()
        except sa.exc.TimeoutError:
            raise StoreBusy("too many use the database at once; try again in a moment") from None
        with connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


_BUSY = "the database is being written by others; try again in a moment"

# What drivers say, in small letters -> the error and the sentence it becomes; the first that fits.
_TOLD: tuple[tuple[tuple[str, ...], type[WfmError], str], ...] = (
    (("database is locked", "lock timeout", "deadlock detected"), StoreBusy, _BUSY),
    (
        ("terminating connection", "server closed the connection", "the database system is"),
        StoreBusy,
        "the database server ended the connection or is just starting; try again in a moment",
    ),
    (
        ("readonly database", "read-only transaction"),
        StoreReadOnly,
        "the database {where} is read-only; make the file and its folder writable, "
        "or point WFM_HOME elsewhere",
    ),
    (
        ("database or disk is full", "no space left"),
        SetupError,
        "the disk that holds the database {where} is full; make room. Nothing was written",
    ),
    (
        ("unable to open database file",),
        SetupError,
        "the database {where} cannot be opened; check that its folder exists and is yours",
    ),
    (
        ("file is not a database", "disk image is malformed"),
        SetupError,
        "{where} is not a SQLite database; move it away or point WFM_HOME elsewhere",
    ),
    (
        ("authentication failed", "no password supplied", 'fatal:  database "', 'fatal:  role "'),
        SetupError,
        "the PostgreSQL server refuses {where}: user, password or database is not known there; "
        "correct WFM_DATABASE_URL",
    ),
    (
        ("connection to server", "connection timeout expired", "failed to resolve host"),
        SetupError,
        "no PostgreSQL server answers at {where}; start it or correct WFM_DATABASE_URL",
    ),
)


def _tell(context: ExceptionContext) -> None:
    """Turn a driver's error into one that says what to do; others pass unchanged."""
    if isinstance(context.sqlalchemy_exception, (sa.exc.IntegrityError, sa.exc.DataError)):
        return  # these quote stored values, which may say anything
    told = told_as(context.original_exception, context.engine)
    if told is not None:
        raise told from context.original_exception


def told_as(error: BaseException, engine: sa.Engine | None) -> WfmError | None:
    """What a user is told of a driver's error, where they can do something about it."""
    said = str(error).lower()
    for words, kind, sentence in _TOLD:
        if any(word in said for word in words):
            where = engine.url.render_as_string(hide_password=True) if engine else ""
            return kind(sentence.format(where=where))
    return None


def make_engine(url: str, *, busy_s: float = BUSY_S) -> sa.Engine:
    """An engine for `url` with our pragmas, transactions and error texts; connects to nothing."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise SetupError(
            "WFM_DATABASE_URL is no database URL; write postgresql://user:password@host/name"
        ) from None
    if parsed.get_backend_name() == "sqlite":
        engine = _engine(parsed, busy_s, connect_args={"timeout": busy_s})

        @sa.event.listens_for(engine, "connect")
        def _pragmas(dbapi: Any, _record: object) -> None:
            dbapi.isolation_level = None
            cursor = dbapi.cursor()
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.close()

        @sa.event.listens_for(engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            options = connection.get_execution_options()
            wait_ms = int(options.get("wfm_wait_s", busy_s) * 1000)
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {wait_ms}")
            connection.exec_driver_sql(
                "BEGIN IMMEDIATE" if options.get("wfm_write", False) else "BEGIN"
            )

    elif parsed.get_backend_name() == "postgresql":
        engine = _engine(
            parsed,
            busy_s,
            pool_pre_ping=True,
            connect_args={"options": f"-c lock_timeout={int(busy_s * 1000)} -c timezone=UTC"},
        )

        @sa.event.listens_for(engine, "begin")
        def _patience(connection: sa.Connection) -> None:
            wait_s = connection.get_execution_options().get("wfm_wait_s", busy_s)
            if wait_s != busy_s:
                # 0 would mean for ever.
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, int(wait_s * 1000))}")

    else:
        raise SetupError(
            f"{parsed.get_backend_name()} is not supported; use SQLite (the default) or PostgreSQL "
            "(postgresql://user:password@host/name)"
        )
    sa.event.listen(engine, "handle_error", _tell)
    return engine


def _engine(url: sa.URL, busy_s: float, **options: Any) -> sa.Engine:
    """An engine whose connections suffice, and whose errors hold no message, token or name."""
    size = POOL[url.get_backend_name()]
    return sa.create_engine(
        url,
        poolclass=sa.QueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=busy_s,
        hide_parameters=True,
        **options,
    )


def database_version(engine: sa.Engine) -> str | None:
    """The migration the database stands at, or None when it is empty."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return None if found is None else str(found)


def migrate(engine: sa.Engine) -> None:
    """Bring the database to `HEAD` in one transaction; does nothing when it is there."""
    found = database_version(engine)
    if found == HEAD:
        return
    if found is not None and found not in KNOWN:
        raise StoreTooNew(
            f"the database stands at version {found}, this program knows up to {HEAD}; "
            "install the newer program, or point WFM_HOME or WFM_DATABASE_URL elsewhere",
            found=found,
            known=HEAD,
        )
    from alembic import command  # late: 0.8 s, and only needed after an update
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    if engine.dialect.name == "sqlite":
        # WAL is a property of the file and cannot be set inside a transaction.
        with engine.connect() as plain:
            cursor = plain.connection.cursor()
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.close()
    with engine.connect() as plain:
        connection = plain.execution_options(wfm_write=True)
        with connection.begin():
            if engine.dialect.name == "postgresql":
                # On SQLite a write transaction is alone; here two that start at once take turns.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            config.attributes["connection"] = connection
            command.upgrade(config, HEAD)


def _file_of(url: str) -> Path | None:
    """The file of a SQLite URL; None for other databases, and for one named by a SQLite URI."""
    if not url.startswith("sqlite"):
        return None
    parsed = sa.make_url(url)
    # With `uri=true` the name is SQLite's to read: it may be in memory, or bear a mode.
    if not parsed.database or asbool(parsed.query.get("uri", "false")):
        return None
    return Path(parsed.database)


def open_store(url: str, *, clock: Clock | None = None, busy_s: float = BUSY_S) -> Store:
    """The store at `url`, migrated and ready.

    clock  the clock the user set; None takes the store's own (a demo's) or the machine's

    A SQLite file and its folder are made when missing, but no folder for a SQLite URI. Raises
    SetupError, StoreReadOnly, StoreBusy or StoreTooNew.
    """
    file = _file_of(url)
    if file is not None:
        folder = file.parent
        try:
            # It will hold what customers wrote: nobody else on the machine may look inside.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(
                f"the folder {folder} cannot be made ({error.strerror}); point WFM_HOME elsewhere"
            ) from error
        if file.exists() and not os.access(file, os.W_OK):
            raise StoreReadOnly(
                f"the database {file} is read-only; make it writable or point WFM_HOME elsewhere"
            )
    engine = make_engine(url, busy_s=busy_s)
    try:
        migrate(engine)
        return Store(engine, clock or stored_clock(engine) or SystemClock(), busy_s)
    except BaseException:
        engine.dispose()
        raise


def stored_clock(engine: sa.Engine) -> SystemClock | None:
    """The demo's clock, if this store holds one."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(tables.clock)).one_or_none()
    return None if row is None else SystemClock(row.shows, row.since, row.rate)


def set_stored_clock(writing: Writing, clock: SystemClock) -> None:
    """Keep `clock` as the store's own, so that every process shows the same time."""
    writing.connection.execute(tables.clock.delete())
    writing.connection.execute(
        tables.clock.insert().values(
            id=1, shows=clock.shows, since=clock.since, rate=clock.rate, **writing.stamp
        )
    )
