"""What an import did, as data and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from wfm.errors import Fault
from wfm.timegrid import format_instant


@dataclass(frozen=True)
class ImportReport:
    """What was read and what became of it.

    unit      what is written, unchanged and replaced: intervals, contacts, agents ...
    skipped   rows left out as bad
    steps_s   per queue, the step found in the stamps, seconds
    first, last  first and last interval or contact of the files
    gaps      quarter-hours between them that the files do not give
    faults    the first of the skipped rows' faults
    """

    kind: str
    files: tuple[str, ...]
    unit: str
    rows_read: int
    written: int
    unchanged: int
    replaced: int
    skipped: int = 0
    steps_s: Mapping[str, int] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None
    gaps: int = 0
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the store holds anything it did not hold before."""
        return self.written + self.replaced > 0

    def to_document(self) -> dict[str, Any]:
        """The report as JSON-able values."""
        document = asdict(self)
        for name in ("first", "last"):
            at = document[name]
            document[name] = None if at is None else format_instant(at)
        return document | {"changed": self.changed}

    def text(self) -> str:
        """The report as one paragraph."""
        words = [
            f"{', '.join(self.files)}: {_count(self.rows_read, 'rows')} read; "
            f"{_count(self.written, self.unit)} written, {self.unchanged:,} unchanged, "
            f"{self.replaced:,} replaced, {_count(self.skipped, 'rows')} skipped."
        ]
        if self.steps_s:
            by_step: dict[int, list[str]] = {}
            for queue, step in self.steps_s.items():
                by_step.setdefault(step, []).append(queue)
            words.append(
                "Step "
                + ", ".join(f"{step_text(s)} ({', '.join(q)})" for s, q in by_step.items())
                + "."
            )
        if self.first is not None and self.last is not None:
            words.append(f"From {format_instant(self.first)} to {format_instant(self.last)}.")
        if self.gaps:
            verb = "is" if self.gaps == 1 else "are"
            between = _count(self.gaps, "quarter-hours")
            words.append(f"{between} between {verb} missing (not zero).")
        if not self.changed:
            words.append("Nothing was changed.")
        words += self.notes
        return " ".join(words)


def step_text(seconds: int) -> str:
    """A step as people write it.

    >>> step_text(900), step_text(90)
    ('15 min', '90 s')
    """
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"


def _count(number: int, plural: str) -> str:
    return f"{number:,} {plural.removesuffix('s') if number == 1 else plural}"
