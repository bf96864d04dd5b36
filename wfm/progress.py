"""How long work says how far it is: a callback, and one that says nothing."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then with the share done (0 to 1) and what is being done, in words.

    It may raise `wfm.errors.Cancelled`; the work must then leave nothing half-written.
    """

    def __call__(self, done: float, stage: str) -> None: ...


def silent(done: float, stage: str) -> None:
    """Progress that nobody watches."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """A progress whose 0 to 1 is `start` to `end` of another's."""

    def report(done: float, stage: str) -> None:
        progress(start + (end - start) * done, stage)

    return report
