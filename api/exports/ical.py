"""Shifts as calendar entries that a calendar keeps up with: one entry a shift, known by agent and
local day, numbered up when a published version changes it, cancelled when one drops it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib.metadata import version as version_of

import pandas as pd
from icalendar import Calendar, Event

from api.console import words
from api.console.shiftgrid import Shift, shifts_of
from wfm.brands import Brand
from wfm.people import Agent
from wfm.timegrid import local_day

# How often a calendar that subscribes to a link is asked to look again.
REFRESH = timedelta(hours=1)


@dataclass(frozen=True)
class Version:
    """A roster that was put in force over [start, end), or is about to be.

    roster  ROSTER, of everybody or of the agents who are exported
    at      when it was published, or last changed while it is a draft
    draft   not in force yet: what it changes is tentative
    """

    roster: pd.DataFrame = field(repr=False)
    start: datetime
    end: datetime
    at: datetime
    draft: bool = False


@dataclass(frozen=True)
class Entry:
    """What became of one agent's shift of one local day.

    number    0 for the first shift of the day, 1 for a second one
    sequence  how many times a version changed, dropped or brought it back
    at        of the version that did so last
    """

    agent_id: str
    day: date
    number: int
    shift: Shift
    sequence: int
    at: datetime
    cancelled: bool = False
    tentative: bool = False


_Key = tuple[str, date, int]


def entries_of(versions: Sequence[Version], brand: Brand) -> tuple[Entry, ...]:
    """The entries that the versions, oldest first, leave behind; by agent and day.

    A version speaks of the shifts that start in its span and of no others.
    """
    held: dict[_Key, Entry] = {}
    for version in versions:
        found = _by_day(version, brand)
        for key in [k for k, e in held.items() if version.start <= e.shift.start < version.end]:
            if key not in found and not held[key].cancelled:
                held[key] = _next(held[key], held[key].shift, version, cancelled=True)
        for key, shift in found.items():
            before = held.get(key)
            if before is None:
                held[key] = Entry(*key, shift, 0, version.at, tentative=version.draft)
            elif before.cancelled or _content(before.shift) != _content(shift):
                held[key] = _next(before, shift, version, cancelled=False)
    return tuple(held[key] for key in sorted(held))


def _by_day(version: Version, brand: Brand) -> dict[_Key, Shift]:
    found: dict[_Key, Shift] = {}
    for shift in shifts_of(version.roster):
        if version.start <= shift.start < version.end:
            agent_id, day = shift.agent_id, local_day(shift.start, brand.tz)
            number = 0
            while (agent_id, day, number) in found:
                number += 1
            found[agent_id, day, number] = shift
    return found


def _next(before: Entry, shift: Shift, version: Version, *, cancelled: bool) -> Entry:
    return Entry(
        before.agent_id,
        before.day,
        before.number,
        shift,
        before.sequence + 1,
        version.at,
        cancelled=cancelled,
        tentative=version.draft,
    )


def _content(shift: Shift) -> tuple[object, ...]:
    """What the agent would notice: not whether it is pinned."""
    return shift.template, shift.segments


def calendar_of(
    entries: Sequence[Entry], brand: Brand, agents: Sequence[Agent], *, title: str
) -> bytes:
    """The entries as iCalendar (RFC 5545), UTF-8.

    agents  their names; with more than one agent in the entries each summary names whose it is

    Times are UTC; the description tells breaks in the site's local time and names its zone.
    """
    calendar = Calendar()
    calendar.add("prodid", f"-//wfm-social//{version_of('wfm-social')}//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", title)
    calendar.add("x-wr-timezone", brand.zone)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    names = {agent.agent_id: agent.name for agent in agents}
    several = len({entry.agent_id for entry in entries}) > 1
    for entry in entries:
        name = names.get(entry.agent_id, entry.agent_id)
        calendar.add_component(_event(entry, brand, whose=name if several else ""))
    written: bytes = calendar.to_ical()
    return written


def _event(entry: Entry, brand: Brand, *, whose: str) -> Event:
    shift = entry.shift
    span = (
        f"{words.clock_time(shift.start, brand.tz)}-{words.clock_time(shift.end, brand.tz)}"
        f" {shift.template}"
    ).strip()
    event = Event()
    event.add("uid", uid_of(entry, brand))
    event.add("sequence", entry.sequence)
    # Of the version, not of the export: asked again, an unchanged calendar is the same bytes.
    event.add("dtstamp", entry.at)
    event.add("last-modified", entry.at)
    event.add("dtstart", shift.start)
    event.add("dtend", shift.end)
    event.add("summary", f"{whose}: {span}" if whose else span)
    event.add("description", _description(entry, brand))
    event.add("categories", sorted({words.activity(s.activity) for s in shift.segments}))
    event.add("status", _status(entry))
    event.add("transp", "TRANSPARENT" if entry.cancelled else "OPAQUE")
    return event


def uid_of(entry: Entry, brand: Brand) -> str:
    """What the entry is known by for ever: agent, local day, brand."""
    plain = unicodedata.normalize("NFKD", brand.name).encode("ascii", "ignore").decode().lower()
    host = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "wfm"
    again = f"-{entry.number + 1}" if entry.number else ""
    return f"{entry.agent_id}-{entry.day.isoformat()}{again}@{host}"


def _status(entry: Entry) -> str:
    if entry.cancelled:
        return "CANCELLED"
    return "TENTATIVE" if entry.tentative else "CONFIRMED"


def _description(entry: Entry, brand: Brand) -> str:
    if entry.cancelled:
        return "This shift is no longer yours."
    shift, zone = entry.shift, brand.tz
    lines = [
        f"{words.clock_time(s.start, zone)}-{words.clock_time(s.end, zone)} "
        + words.activity(s.activity)
        + (f" ({s.queue})" if s.queue else "")
        for s in shift.segments
    ]
    paid = shift.paid_minutes(brand.activities) / 60
    over = ", ends the next day" if local_day(shift.end, zone) > entry.day else ""
    return "\n".join(
        (f"{words.long_day(entry.day)}{over}; {paid:g} h paid", *lines, f"Times of {brand.zone}")
    )
