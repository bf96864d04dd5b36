"""Taking in things that have a name of their own: agents and campaigns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from wfm.ingest.compare import Found, compare
from wfm.ingest.faults import Faults
from wfm.ingest.report import ImportReport
from wfm.ingest.tables import Column, Piece, open_table
from wfm.progress import Progress
from wfm.store.engine import Store, Writing

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")


@dataclass(frozen=True)
class Kind(Generic[T]):
    """What is taken in, and where it is kept.

    name  of many of them, for the report
    """

    name: str
    columns: Sequence[Column]
    key_column: str
    load: Callable[[Connection], Iterable[T]]
    save: Callable[[Writing, Iterable[T]], None]
    key: Callable[[T], str]


# What the pieces of a file describe; what is wrong goes into the faults.
Describe = Callable[[Iterable[Piece], Faults], Sequence[Found[str, T]]]


def import_keyed(
    store: Store,
    path: Path,
    kind: Kind[T],
    describe: Describe[T],
    *,
    actor: str,
    replace: bool,
    skip_bad: bool,
    progress: Progress,
) -> ImportReport:
    """Keep what is new, leave what is the same, and overwrite what differs if so asked.

    FileFaults, with nothing written, when rows are bad or differ and that was not asked for.
    """
    faults = Faults(path.name)
    table = open_table(path, faults)
    if table is None:
        raise faults.error()
    pieces: list[Piece] = []
    for piece in table.pieces(kind.columns, faults):
        pieces.append(piece)
        progress(piece.done, f"reading {table.name}")
    found = describe(pieces, faults)
    with store.writing(actor) as writing:
        held = {kind.key(item): item for item in kind.load(writing.connection)}
        compared = compare(found, held, replace=replace)
        refused = [] if replace else [one for one, _ in compared.differing]
        for one in refused:
            faults.add(
                one.line,
                kind.key_column,
                one.key,
                "the store holds it with other values; --replace overwrites it",
            )
        faults.stop(skip_bad=skip_bad)
        kind.save(writing, [one.value for one in compared.changes])
    rows_read = sum(piece.rows for piece in pieces)
    ignored = table.ignored(kind.columns)
    return ImportReport(
        kind=kind.name,
        files=(table.name,),
        unit=kind.name,
        rows_read=rows_read,
        written=len(compared.new),
        unchanged=compared.same,
        replaced=len(compared.differing) - len(refused),
        skipped=rows_read - sum(one.rows for one in found) + sum(one.rows for one in refused),
        faults=tuple(sorted(faults.kept)),
        notes=(f"Columns not used: {', '.join(ignored)}.",) if ignored else (),
    )
