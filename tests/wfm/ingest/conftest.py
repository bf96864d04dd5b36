"""What the import tests share: the page's examples, a store that has a brand, files by a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from wfm.ingest.brandfile import import_brand
from wfm.store import tables
from wfm.store.engine import Store, open_store
from wfm.timegrid import FixedClock

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAGE = Path(__file__).parents[3] / "docs" / "formats.md"
EXAMPLE = re.compile(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="session")
def examples() -> dict[str, str]:
    """The examples of docs/formats.md, by file name."""
    return dict(EXAMPLE.findall(PAGE.read_text(encoding="utf-8")))


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of the lines given, or of bytes."""

    def make(*lines: str, name: str = "file.csv", data: bytes | None = None) -> Path:
        path = tmp_path / name
        path.write_bytes("".join(f"{line}\n" for line in lines).encode() if data is None else data)
        return path

    return make


@pytest.fixture
def brand_path(examples: dict[str, str], tmp_path: Path) -> Path:
    """The page's brand file."""
    path = tmp_path / "brand.toml"
    path.write_text(examples["brand.toml"], encoding="utf-8")
    return path


@pytest.fixture
def branded(store: Store, brand_path: Path) -> Store:
    """A store, on both databases, that holds the page's brand: queues x, email, linkedin."""
    import_brand(store, brand_path, actor="tester")
    return store


@pytest.fixture
def local(sqlite_url: str, brand_path: Path) -> Iterator[Store]:
    """The same on SQLite only, for what does not depend on the database."""
    store = open_store(sqlite_url, clock=FixedClock(NOW))
    import_brand(store, brand_path, actor="tester")
    yield store
    store.close()


@pytest.fixture
def contents() -> Callable[[Store], dict[str, list[tuple[object, ...]]]]:
    """All rows of all tables an import may write, to tell whether anything changed."""

    def read(store: Store) -> dict[str, list[tuple[object, ...]]]:
        kept = ("brand", "imports", "volumes", "history_contacts", "agents", "campaigns", "audit")
        with store.reading() as connection:
            rows = {
                name: connection.execute(sa.select(tables.metadata.tables[name])).all()
                for name in kept
            }
        return {name: sorted(map(tuple, found), key=repr) for name, found in rows.items()}

    return read
