"""From what is pressed to the edit that is meant: the next start, the next length, the next place.

Pure: a shift and the brand in, an edit out; RequestError where there is nothing further.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from api.console import shiftgrid, words
from api.console.shiftgrid import Shift
from scheduling.editing.edits import (
    Assign,
    Drop,
    Edit,
    Give,
    Lengthen,
    Move,
    MoveBreak,
    Pin,
    Swap,
    Unpin,
)
from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.people import Agent, ShiftTemplate

STEP_MIN = 15


@dataclass(frozen=True)
class Pressed:
    """What was pressed: `do` of a button, or a choice with its `value`.

    number  of the break that is meant
    """

    do: str
    number: int = 0
    value: str = ""


def edit_of(
    pressed: Pressed,
    *,
    agent: Agent,
    day: date,
    shift: Shift | None,
    brand: Brand,
    pending: Edit | None,
) -> Edit:
    """The edit that is meant, going on from the one that is pending where both move one thing.

    shift  the agent's on the day, None on a day off
    """
    agent_id = agent.agent_id
    if pressed.do == "assign":
        template, _, start_min = pressed.value.rpartition("@")
        return Assign(agent_id, day, template, int(start_min))
    if shift is None:
        raise RequestError(f"{agent.name} has no shift on {words.day_name(day)}")
    edit: Edit
    match pressed.do:
        case "drop":
            edit = Drop(agent_id, day)
        case "pin":
            edit = Pin(agent_id, day)
        case "unpin":
            edit = Unpin(agent_id, day)
        case "give":
            edit = Give(agent_id, day, pressed.value)
        case "swap":
            other, _, other_day = pressed.value.rpartition("@")
            edit = Swap(agent_id, day, other, date.fromisoformat(other_day))
        case "earlier" | "later":
            later = pressed.do == "later"
            edit = Move(agent_id, day, next_start(shift, brand, day, pending, later=later))
        case "longer" | "shorter":
            longer = pressed.do == "longer"
            minutes = next_length(shift, brand, agent, day, pending, longer=longer)
            edit = Lengthen(agent_id, day, minutes)
        case "break-earlier" | "break-later":
            step = STEP_MIN if pressed.do == "break-later" else -STEP_MIN
            after = _break_after(shift, brand, pressed.number, day, pending)
            edit = MoveBreak(agent_id, day, pressed.number, after + step)
        case _:
            raise RequestError(f"nobody knows what {pressed.do!r} does to a shift")
    return edit


def template_of(shift: Shift, brand: Brand) -> ShiftTemplate:
    """The shift's template; RequestError where the brand has none of its name any more."""
    found = next((t for t in brand.templates if t.name == shift.template), None)
    if found is None:
        raise RequestError(f"the brand has no template {shift.template!r} any more")
    return found


def next_start(shift: Shift, brand: Brand, day: date, pending: Edit | None, *, later: bool) -> int:
    """The template's start after (or before) the one the shift has, or is about to have.

    Local minutes of the day.
    """
    template = template_of(shift, brand)
    wall = shift.start.astimezone(brand.tz)
    now = wall.hour * 60 + wall.minute
    if (
        isinstance(pending, Move)
        and (pending.agent_id, pending.day) == (shift.agent_id, day)
        and pending.to_start_min is not None
    ):
        now = pending.to_start_min
    starts = sorted(set(template.starts))
    further = [s for s in starts if s > now] if later else [s for s in reversed(starts) if s < now]
    if not further:
        side = "after" if later else "before"
        raise RequestError(
            f"{template.name} has no start {side} {clock(now)}; its starts are "
            f"{clock(starts[0])} to {clock(starts[-1])}"
        )
    return further[0]


def next_length(
    shift: Shift, brand: Brand, agent: Agent, day: date, pending: Edit | None, *, longer: bool
) -> int:
    """How much longer (below 0: shorter) the next template of the contract is, at the same start.

    Counted from the shift as it stands, in minutes.
    """
    own = template_of(shift, brand)
    wall = shift.start.astimezone(brand.tz)
    start = wall.hour * 60 + wall.minute
    contract = next((c for c in brand.contracts if c.name == agent.contract_on(day)), None)
    allowed = contract.templates if contract else ()
    now = own.minutes
    if isinstance(pending, Lengthen) and (pending.agent_id, pending.day) == (shift.agent_id, day):
        now += pending.minutes
    lengths = sorted(
        {t.minutes for t in brand.templates if t.name in allowed and start in t.starts}
    )
    further = [m for m in lengths if m > now] if longer else [m for m in lengths[::-1] if m < now]
    if not further:
        kind = "longer" if longer else "shorter"
        raise RequestError(
            f"the contract of {agent.name} has no {kind} template that starts at {clock(start)}"
        )
    return further[0] - own.minutes


def _break_after(shift: Shift, brand: Brand, number: int, day: date, pending: Edit | None) -> int:
    """Minutes from the shift's start to its break as it stands, or is about to."""
    own = (shift.agent_id, day, number)
    if isinstance(pending, MoveBreak) and (pending.agent_id, pending.day, pending.index) == own:
        return pending.minutes_after_start
    breaks = shiftgrid.breaks_of(shift, brand)
    if not 0 <= number < len(breaks):
        raise RequestError(f"the shift has {len(breaks)} breaks; read it again")
    return int((breaks[number].start - shift.start) / timedelta(minutes=1))


def clock(minute: int) -> str:
    """
    >>> clock(510), clock(1440)
    ('08:30', '24:00')
    """
    return f"{minute // 60:02d}:{minute % 60:02d}"
