"""The edits a planner can make, as values, and as JSON documents with their `kind`.

What each of them does to a roster: `scheduling.editing.making`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from typing import Any, Literal, get_args, get_origin, get_type_hints

from wfm.errors import RequestError
from wfm.timegrid import parse_instant


@dataclass(frozen=True)
class Assign:
    """This shift, in the place of what the agent has on that day; start in local minutes."""

    agent_id: str
    day: date
    template: str
    start_min: int


@dataclass(frozen=True)
class Drop:
    """The day off instead of the shift."""

    agent_id: str
    day: date


@dataclass(frozen=True)
class Move:
    """The same template at another local start, on another day, or both."""

    agent_id: str
    day: date
    to_start_min: int | None = None
    to_day: date | None = None


@dataclass(frozen=True)
class Lengthen:
    """The shift `minutes` longer, or shorter where below 0.

    by  "template": another template of the contract, at the same start; "end": the same template
        over its end (or cut before it), which the rule `template` then names
    """

    agent_id: str
    day: date
    minutes: int
    by: Literal["template", "end"] = "template"


@dataclass(frozen=True)
class Swap:
    """Two agents take each other's shift, as it stands; on one day one of them may be off."""

    agent_id: str
    day: date
    other_agent: str
    other_day: date


@dataclass(frozen=True)
class Give:
    """The shift, as it stands, to somebody who is off that day."""

    agent_id: str
    day: date
    to_agent: str


@dataclass(frozen=True)
class MoveBreak:
    """A break of the shift, counted from 0 in order of time, to so long after the shift's start."""

    agent_id: str
    day: date
    index: int
    minutes_after_start: int


@dataclass(frozen=True)
class Activity:
    """Something else than before within a shift: a meeting, a training, on queue, one queue."""

    agent_id: str
    start: datetime
    end: datetime
    activity: str
    queue: str = ""


@dataclass(frozen=True)
class Pin:
    """The shift stands: neither an edit nor a new solution may touch it."""

    agent_id: str
    day: date


@dataclass(frozen=True)
class Unpin:
    """The shift is free again."""

    agent_id: str
    day: date


Edit = Assign | Drop | Move | Lengthen | Swap | Give | MoveBreak | Activity | Pin | Unpin

KINDS: dict[str, type[Edit]] = {
    re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower(): cls for cls in get_args(Edit)
}


def kind_of(edit: Edit) -> str:
    """The edit's kind: "assign", "move_break" ..."""
    return next(kind for kind, cls in KINDS.items() if cls is type(edit))


def edit_document(edit: Edit) -> dict[str, Any]:
    """The edit as what JSON can hold, with its `kind`."""
    values = {f.name: getattr(edit, f.name) for f in fields(edit)}
    return {"kind": kind_of(edit)} | {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }


def edit_from(document: Mapping[str, Any]) -> Edit:
    """The edit that `edit_document` wrote, or that a person did.

    RequestError naming the field, its value and what is wanted, all faults at once.
    """
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise RequestError(f"no edit {kind!r}; there are {', '.join(KINDS)}", kind=kind)
    cls = KINDS[kind]
    hints = get_type_hints(cls)
    faults: list[str] = []
    values: dict[str, Any] = {}
    for name in sorted(document.keys() - hints.keys() - {"kind"}):
        faults.append(f"{name!r} is no field of {kind}; it has {', '.join(hints)}")
    for field in fields(cls):
        if field.name not in document:
            if field.default is MISSING:
                faults.append(f"{field.name!r} is missing")
            continue
        try:
            values[field.name] = _read(hints[field.name], document[field.name])
        except ValueError as wanted:
            faults.append(f"{field.name!r} is {document[field.name]!r}, want {wanted}")
    if faults:
        raise RequestError(f"{kind}: " + "; ".join(faults), kind=kind, faults=faults)
    return cls(**values)


def _read(hint: Any, value: Any) -> Any:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ValueError(" or ".join(get_args(hint)))
        return value
    wanted = [h for h in get_args(hint) or (hint,) if h is not type(None)]
    if value is None and len(wanted) < len(get_args(hint)):
        return None
    return _READERS[wanted[0]](value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("a whole number")
    return value


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("a date like 2026-03-02") from None


def _instant(value: Any) -> datetime:
    try:
        return parse_instant(value)
    except (TypeError, RequestError):
        raise ValueError("an instant like 2026-03-02T09:00:00Z") from None


_READERS: dict[Any, Any] = {str: _text, int: _whole, date: _day, datetime: _instant}
