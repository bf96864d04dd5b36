"""How carefully a case is handled: the most that any of its messages asks for.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wfm.brands import Brand
from wfm.care import Complexity
from wfm.casequeue import timing
from wfm.cases import Case
from wfm.store import cases
from wfm.store.engine import Writing
from wfm.triage.classifier import Triaged


@dataclass(frozen=True, slots=True)
class Handling:
    """Where a case waits, who may take it, and why."""

    queue: str
    severity: int
    complexity: Complexity
    needs_level: int
    flags: tuple[str, ...]


def handling_of(brand: Brand, triaged: Sequence[Triaged]) -> Handling:
    """The most careful handling that any of these asks for; else the queue of the first."""
    if len(triaged) == 1:
        (one,) = triaged
        return Handling(one.queue, one.severity, one.complexity, one.needs_level, one.flags)
    specialists = brand.care.triage.specialist_queue
    is_special = any(one.queue == specialists for one in triaged)
    is_complaint = any(one.complexity == "complaint" for one in triaged)
    return Handling(
        queue=specialists if is_special else triaged[0].queue,
        severity=max(one.severity for one in triaged),
        complexity="complaint" if is_complaint else "basic",
        needs_level=max(one.needs_level for one in triaged),
        flags=tuple(dict.fromkeys(flag for one in triaged for flag in one.flags)),
    )


def handle_with(writing: Writing, brand: Brand, case: Case, asked: Handling) -> dict[str, Any]:
    """What changes of a locked case when a message asks for this handling: never for less care.

    A case for specialists goes to their queue. One that is held stays with its agent; should they
    let it go, it waits for specialists.
    """
    change: dict[str, Any] = {}
    if asked.severity > case.severity:
        change["severity"] = asked.severity
    if asked.needs_level > case.needs_level:
        change["needs_level"] = asked.needs_level
    if new := [flag for flag in asked.flags if flag not in case.flags]:
        change["flags"] = [*case.flags, *new]
    if asked.complexity == "complaint" and case.complexity != "complaint":
        change["complexity"] = asked.complexity
        timing.targeted(writing, brand, case, "complaint", writing.at)
    specialists = brand.care.triage.specialist_queue
    if specialists and asked.queue == specialists != case.queue:
        change |= _to_specialists(writing, brand, case, specialists)
    return change


def _to_specialists(writing: Writing, brand: Brand, case: Case, specialists: str) -> dict[str, Any]:
    if case.state == "assigned":
        level = brand.care.triage.specialist_level
        return {"needs_level": max(case.needs_level, level)}
    reply = timing.moved(writing, brand, case, specialists, writing.at)
    cases.add_event(writing, [case.case_id], "moved", text=f"to {specialists}, for specialists")
    return {"queue": specialists, **({} if reply is None else timing.mirrored(reply))}
