"""Taking in things that have a name of their own: agents and campaigns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from wfm.ingest.faults import Faults
from wfm.ingest.report import ImportReport
from wfm.ingest.tables import TableFile
from wfm.store.engine import Store, Writing

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")


@dataclass(frozen=True)
class Kind(Generic[T]):
    """What is taken in, and where it is kept.

    unit  the name of many, for the report
    """

    name: str
    unit: str
    key_column: str
    load: Callable[[Connection], Iterable[T]]
    save: Callable[[Writing, Iterable[T]], None]
    key: Callable[[T], str]


@dataclass(frozen=True)
class Found(Generic[T]):
    """One thing of the file.

    line  where it begins
    rows  how many rows describe it
    """

    line: int
    rows: int
    item: T


def settle(
    store: Store,
    kind: Kind[T],
    table: TableFile,
    found: Sequence[Found[T]],
    faults: Faults,
    *,
    actor: str,
    rows_read: int,
    replace: bool,
    skip_bad: bool,
    notes: tuple[str, ...] = (),
) -> ImportReport:
    """Keep what is new, leave what is the same, and overwrite what differs if so asked.

    FileFaults, with nothing written, when rows are bad or differ and that was not asked for.
    """
    with store.writing(actor) as writing:
        held = {kind.key(item): item for item in kind.load(writing.connection)}
        new = [f for f in found if kind.key(f.item) not in held]
        differing = [f for f in found if _differs(kind, held, f)]
        if not replace:
            for other in differing:
                faults.add(
                    other.line,
                    kind.key_column,
                    kind.key(other.item),
                    "the store holds it with other values; --replace overwrites it",
                )
        faults.stop(skip_bad=skip_bad)
        replaced = differing if replace else []
        kind.save(writing, [f.item for f in (*new, *replaced)])
    used = sum(f.rows for f in found) - sum(f.rows for f in differing if not replace)
    return ImportReport(
        kind=kind.name,
        files=(table.name,),
        unit=kind.unit,
        rows_read=rows_read,
        written=len(new),
        unchanged=len(found) - len(new) - len(differing),
        replaced=len(replaced),
        skipped=rows_read - used,
        faults=tuple(sorted(faults.kept)),
        notes=notes,
    )


def _differs(kind: Kind[T], held: Mapping[str, Any], one: Found[T]) -> bool:
    before = held.get(kind.key(one.item))
    return before is not None and before != one.item
