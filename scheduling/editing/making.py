"""What an edit changes: refused where it cannot be, however many rules it may break.

Rules are judged afterwards (`scheduling.editing.judging`); refused here is what makes no sense on
any desk: a shift that is not there, that is pinned or past, that another one runs into.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import singledispatch

import pandas as pd

from scheduling.editing.changes import ABSENT, Change, Segment
from scheduling.editing.edits import (
    Activity,
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
from scheduling.editing.ground import EditGround
from scheduling.editing.laying import joined, painted
from scheduling.editing.lines import Lines, Shift, refuse_past, refuse_pinned, refuse_run_in
from wfm.errors import RequestError
from wfm.people import ShiftTemplate

ON_GRID = timedelta(minutes=15)
DAY_MIN = 24 * 60


def changes_of(roster: pd.DataFrame, edit: Edit, ground: EditGround) -> tuple[Change, ...]:
    """The changes that the edit makes of the ROSTER, in order of agent and day; never none.

    Breaks of a shift that is laid anew go where they are missed least.

    RequestError (NotFound for a name that is not known) when the edit cannot be: no such shift,
    one that is pinned or before `frozen_until`, a template not at that start, a shift that would
    overlap another or come within 3 hours of it, an edit that changes nothing.
    """
    lines = Lines(roster, ground)
    _make(edit, lines)
    changes = lines.changes()
    if not changes:
        raise RequestError("that changes nothing: it is so already")
    for change in changes:
        if not isinstance(edit, (Pin, Unpin)):
            refuse_pinned(change)
        refuse_past(change, ground)
        refuse_run_in(change, lines)
    return changes


@singledispatch
def _make(edit: object, lines: Lines) -> None:
    raise RequestError(f"{type(edit).__name__} is no edit of a roster")


@_make.register
def _assign(edit: Assign, lines: Lines) -> None:
    ground = lines.ground
    ground.agent(edit.agent_id)
    template = ground.template(edit.template)
    at = _start_of(template, edit.day, edit.start_min, ground)
    lines.put(edit.agent_id, edit.day, ())
    lines.put(edit.agent_id, edit.day, lines.laid(edit.agent_id, template, at))


@_make.register
def _drop(edit: Drop, lines: Lines) -> None:
    lines.shift_there(edit.agent_id, edit.day)
    lines.put(edit.agent_id, edit.day, ())


@_make.register
def _move(edit: Move, lines: Lines) -> None:
    ground = lines.ground
    shift = lines.shift_there(edit.agent_id, edit.day)
    ground.agent(edit.agent_id)
    template = ground.template(shift[0].template)
    queue = _queue_of(shift, template, lines)
    wall = shift[0].start.astimezone(ground.brand.tz)
    minute = wall.hour * 60 + wall.minute if edit.to_start_min is None else edit.to_start_min
    day = edit.to_day or edit.day
    if day != edit.day:
        lines.free(edit.agent_id, day)
    at = _start_of(template, day, minute, ground)
    if at == shift[0].start:
        return
    lines.put(edit.agent_id, edit.day, ())
    lines.put(edit.agent_id, day, lines.laid(edit.agent_id, template, at, queue))


@_make.register
def _lengthen(edit: Lengthen, lines: Lines) -> None:
    shift = lines.shift_there(edit.agent_id, edit.day)
    if edit.minutes % 15 or abs(edit.minutes) > DAY_MIN:
        raise RequestError(f"{edit.minutes} minutes are no multiple of 15 within a day")
    if edit.minutes == 0:
        return
    if edit.by == "end":
        lines.put(edit.agent_id, edit.day, _until(shift, edit.minutes))
        return
    ground = lines.ground
    ground.agent(edit.agent_id)
    start, end = shift[0].start, _end(shift)
    minutes = int((end - start).total_seconds()) // 60
    contract = ground.contract_of(edit.agent_id, edit.day)
    wall = start.astimezone(ground.brand.tz)
    minute = wall.hour * 60 + wall.minute
    there: dict[int, ShiftTemplate] = {}
    for template in ground.brand.templates:
        longer = template.minutes - minutes
        if contract and template.name in contract.templates and minute in template.starts:
            there.setdefault(longer, template)
    there.pop(0, None)
    if edit.minutes not in there:
        offers = ", ".join(f"{m:+d} min ({t.name})" for m, t in sorted(there.items())) or "none"
        raise RequestError(
            f"no template of contract {contract.name if contract else 'none'} is {edit.minutes:+d} "
            f"min at {wall:%H:%M}; there are: {offers}; by = 'end' goes over the template's end",
            agent=edit.agent_id,
            day=edit.day.isoformat(),
        )
    queue = _queue_of(shift, ground.template(shift[0].template), lines)
    lines.put(edit.agent_id, edit.day, ())
    new = lines.laid(edit.agent_id, there[edit.minutes], start, queue)
    lines.put(edit.agent_id, edit.day, new)


@_make.register
def _swap(edit: Swap, lines: Lines) -> None:
    if edit.agent_id == edit.other_agent:
        raise RequestError(f"{edit.agent_id} cannot swap with themselves; move the shift")
    mine = lines.shift(edit.agent_id, edit.day)
    theirs = lines.shift(edit.other_agent, edit.other_day)
    if edit.day != edit.other_day or not (mine or theirs):
        lines.shift_there(edit.agent_id, edit.day)
        lines.shift_there(edit.other_agent, edit.other_day)
    for agent_id in (edit.agent_id, edit.other_agent):
        lines.ground.agent(agent_id)
    lines.put(edit.agent_id, edit.day, ())
    lines.put(edit.other_agent, edit.other_day, ())
    lines.free(edit.agent_id, edit.other_day)
    lines.free(edit.other_agent, edit.day)
    lines.put(edit.agent_id, edit.other_day, theirs)
    lines.put(edit.other_agent, edit.day, mine)


@_make.register
def _give(edit: Give, lines: Lines) -> None:
    shift = lines.shift_there(edit.agent_id, edit.day)
    lines.ground.agent(edit.to_agent)
    lines.free(edit.to_agent, edit.day)
    lines.put(edit.agent_id, edit.day, ())
    lines.put(edit.to_agent, edit.day, shift)


@_make.register
def _move_break(edit: MoveBreak, lines: Lines) -> None:
    shift = lines.shift_there(edit.agent_id, edit.day)
    breaks = _breaks(shift, lines.ground)
    if not 0 <= edit.index < len(breaks):
        raise RequestError(
            f"the shift of {edit.agent_id} on {edit.day} has {len(breaks)} breaks, counted from 0; "
            f"there is no break {edit.index}"
        )
    if not 0 <= edit.minutes_after_start < DAY_MIN:
        raise RequestError(f"{edit.minutes_after_start} minutes after its start is no part of it")
    pause = breaks[edit.index]
    start = shift[0].start + timedelta(minutes=edit.minutes_after_start)
    end = start + (pause.end - pause.start)
    place = shift.index(pause)
    beside = (s for s in (*shift[:place][::-1], *shift[place + 1 :]) if s.activity == "on_queue")
    queue = next((s.queue for s in beside), "")
    back = replace(pause, activity="on_queue", queue=queue)
    rest = joined([*shift[:place], back, *shift[place + 1 :]])
    _refuse_outside(start, end, rest, lines)
    _refuse_taken(start, end, rest, lines, of=lambda s: s.activity != "on_queue")
    lines.put(edit.agent_id, edit.day, painted(rest, start, end, pause.activity))


@_make.register
def _activity(edit: Activity, lines: Lines) -> None:
    ground = lines.ground
    if edit.activity not in ground.activities or edit.activity in ABSENT:
        known = ", ".join(code for code in ground.activities if code not in ABSENT)
        raise RequestError(f"no activity {edit.activity!r} inside a shift; there are {known}")
    if edit.queue and (edit.activity != "on_queue"):
        raise RequestError(f"{edit.activity} serves no queue; leave the queue out")
    if edit.queue:
        ground.brand.queue(edit.queue)
    if edit.end <= edit.start:
        raise RequestError("the activity ends before it starts")
    if edit.start < ground.start or edit.start >= ground.end + timedelta(days=1):
        raise RequestError(f"there is no shift at {edit.start:%Y-%m-%d %H:%M} UTC in the roster")
    day = edit.start.astimezone(ground.brand.tz).date()
    for candidate in (day, day - timedelta(days=1)):
        shift = lines.shift(edit.agent_id, candidate)
        if shift and shift[0].start <= edit.start < _end(shift):
            break
    else:
        shift = lines.shift_there(edit.agent_id, day)
        candidate = day
    _refuse_outside(edit.start, edit.end, shift, lines)
    breaks = _breaks(shift, ground)
    _refuse_taken(edit.start, edit.end, shift, lines, of=lambda s: s in breaks)
    new = joined(painted(shift, edit.start, edit.end, edit.activity, edit.queue))
    lines.put(edit.agent_id, candidate, new)


@_make.register
def _pin(edit: Pin, lines: Lines) -> None:
    shift = lines.shift_there(edit.agent_id, edit.day)
    lines.put(edit.agent_id, edit.day, tuple(replace(s, pinned=True) for s in shift))


@_make.register
def _unpin(edit: Unpin, lines: Lines) -> None:
    shift = lines.shift_there(edit.agent_id, edit.day)
    lines.put(edit.agent_id, edit.day, tuple(replace(s, pinned=False) for s in shift))


def _end(shift: Shift) -> datetime:
    return max(s.end for s in shift)


def _start_of(template: ShiftTemplate, day: date, minute: int, ground: EditGround) -> datetime:
    if minute not in template.starts:
        near = sorted(sorted(template.starts, key=lambda m: abs(m - minute))[:4])
        told = ", ".join(f"{m // 60:02d}:{m % 60:02d}" for m in near)
        raise RequestError(
            f"{template.name} does not start at {minute // 60:02d}:{minute % 60:02d}; the nearest "
            f"of its {len(template.starts)} starts: {told}",
            template=template.name,
        )
    return ground.instant(day, minute)


def _queue_of(shift: Shift, template: ShiftTemplate, lines: Lines) -> str:
    """The queue of a shift that holds nothing but its breaks; RequestError for another."""
    kinds = {rule.activity for rule in template.breaks} | {"on_queue"}
    other = next((s for s in shift if s.activity not in kinds), None)
    if other is not None:
        raise RequestError(
            f"the shift holds {lines.told((replace(other, template=other.activity),))}, which does "
            "not move with it; put that time back on queue first"
        )
    queues = sorted({s.queue for s in shift if s.activity == "on_queue"})
    if len(queues) > 1:
        raise RequestError(
            "the shift serves " + " and ".join(q or "all queues" for q in queues) + " at its "
            "hours, which do not move with it; put it on one queue first"
        )
    return queues[0] if queues else ""


def _until(shift: Shift, minutes: int) -> Shift:
    end = _end(shift) + timedelta(minutes=minutes)
    if minutes < 0:
        kept = tuple(replace(s, end=min(s.end, end)) for s in shift if s.start < end)
        if not kept:
            raise RequestError(f"nothing of the shift is left when {-minutes} min are cut off it")
        return kept
    last = shift[-1]
    more = replace(last, start=last.end, end=end, activity="on_queue")
    return joined((*shift, more))


def _breaks(shift: Shift, ground: EditGround) -> list[Segment]:
    template = ground.templates.get(shift[0].template)
    kinds = {rule.activity for rule in template.breaks} if template else {"break", "meal"}
    return [s for s in shift if s.activity in kinds]


def _refuse_outside(start: datetime, end: datetime, shift: Shift, lines: Lines) -> None:
    if (start - shift[0].start) % ON_GRID or (end - start) % ON_GRID:
        raise RequestError(f"{start:%H:%M} to {end:%H:%M} UTC is not on the 15-minute grid")
    if start < shift[0].start or end > _end(shift):
        zone = lines.ground.brand.tz
        raise RequestError(
            f"{start.astimezone(zone):%H:%M} to {end.astimezone(zone):%H:%M} is not within the "
            f"shift {lines.told(shift)}"
        )


def _refuse_taken(
    start: datetime, end: datetime, shift: Shift, lines: Lines, *, of: Callable[[Segment], bool]
) -> None:
    for s in shift:
        if of(s) and s.start < end and start < s.end:
            told = lines.told((replace(s, template=s.activity),))
            raise RequestError(f"that overlaps {told}; move it first")
