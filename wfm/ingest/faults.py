"""Collecting what is wrong with a file, so that all of it can be told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from wfm.errors import Fault, FileFaults

# Faults kept in memory; the rest are counted. A million bad lines are one mistake, not a million.
KEPT = 10_000
SHOWN_VALUE = 80


@dataclass
class Faults:
    """Faults of one import, over all its files.

    fatal  whether one of them spoils the whole file, so that skipping bad rows is no way out
    """

    name: str = ""
    kept: list[Fault] = field(default_factory=list)
    total: int = 0
    fatal: bool = False
    # Put before the column's name where several files are read as one import.
    prefix: str = ""

    def add(
        self, line: int, column: str, value: object, remedy: str, *, fatal: bool = False
    ) -> None:
        """Keep one fault; beyond `KEPT` it is only counted."""
        self.total += 1
        self.fatal |= fatal
        if len(self.kept) < KEPT:
            shown = str(value)
            if len(shown) > SHOWN_VALUE:
                shown = shown[: SHOWN_VALUE - 3] + "..."
            self.kept.append(Fault(line, f"{self.prefix}{column}", shown, remedy))

    def error(self) -> FileFaults:
        return FileFaults(self.name, self.kept, total=self.total)

    def forbid(self, *, skip_bad: bool = False) -> bool:
        """Whether nothing may be written: there are some, and skipping bad rows is no way out."""
        return self.total > 0 and (self.fatal or not skip_bad)

    def stop(self, *, skip_bad: bool = False) -> None:
        """Raise FileFaults when they forbid to write."""
        if self.forbid(skip_bad=skip_bad):
            raise self.error()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None when none is alike."""
    by_fold = {k.casefold(): k for k in known}
    found = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def choose(name: str, known: Iterable[str]) -> str:
    """Words that lead from an unknown name to a known one."""
    names = list(known)
    like = nearest(name, names)
    if like is not None:
        return f"did you mean {like!r}?"
    return "use one of " + ", ".join(names) if names else "there is none yet"


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Remedy for a name that the brand does not have."""
    return f"the brand has no {kind} of that name; {choose(name, known)}"
