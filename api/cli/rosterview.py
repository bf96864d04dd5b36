"""`wfm roster show`: a week of agents by days, a day by the clock, an agent's shifts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.rosterwords import clock_time, counted, violations_document
from api.cli.shell import JsonOption, emit_json, opened, out, parse_day, say, show_table
from wfm.errors import RequestError
from wfm.timegrid import intervals, local_midnight

if TYPE_CHECKING:
    from api.console.shiftgrid import Shift
    from api.exports.contents import Contents

app = typer.Typer()

DAY = timedelta(days=1)
HALF_HOURS = 48
# What fills half an hour in the picture of a day; of two, what is rarer is shown.
MARKS = {"on_queue": "█", "standby": "░", "meal": "m", "break": "b"}
OTHER_MARK = "o"
ORDER = " ░█bmo"
BROKEN_SHOWN = 10


@app.command()
def show(
    which: Annotated[
        str, typer.Argument(metavar="[PLAN|DRAFT]", help="A plan's id, latest, current; draft-5.")
    ] = "current",
    agent: Annotated[str | None, typer.Option("--agent", help="This agent's shifts.")] = None,
    day: Annotated[str | None, typer.Option("--day", help="This local day by the clock.")] = None,
    first: Annotated[
        str | None, typer.Option("--from", help="First day of the week shown; default: the first.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a roster: a week of it, one day by the clock, or one agent's shifts."""
    from api.exports.loading import contents_of

    on = None if day is None else parse_day(day)
    begins = None if first is None else parse_day(first)
    with opened() as store:
        contents = contents_of(store, which, agent)
    for named in (on, begins):
        if named is not None and named not in contents.days:
            raise RequestError(
                f"{named} is not in the roster, which goes from {contents.days[0]} to "
                f"{contents.days[-1]}"
            )
    shifts = [s for s in contents.shifts if on is None or contents.day_of(s) == on]
    if as_json:
        emit_json(_document(contents, shifts))
        return
    brand = contents.brand
    out.print(f"{brand.name}: {contents.title}; times of {brand.zone}", markup=False)
    if agent is not None:
        _show_agent(contents, shifts)
    elif on is not None:
        _show_day(contents, on, shifts)
    else:
        _show_week(contents, begins or contents.days[0])
    _say_broken(contents)


def _document(contents: Contents, shifts: Iterable[Shift]) -> dict[str, Any]:
    return {
        "roster": contents.title,
        "from": contents.start,
        "to": contents.end,
        "zone": contents.brand.zone,
        "shifts": [
            {
                "agent_id": shift.agent_id,
                "agent": contents.names[shift.agent_id],
                "day": contents.day_of(shift).isoformat(),
                "start": shift.start,
                "end": shift.end,
                "template": shift.template,
                "pinned": shift.pinned,
                "paid_minutes": shift.paid_minutes(contents.brand.activities),
                "segments": [vars(segment) for segment in shift.segments],
            }
            for shift in shifts
        ],
        "violations": violations_document(contents.violations),
        "lacks": [vars(lack) for lack in contents.lacks],
    }


def _say_broken(contents: Contents) -> None:
    found = contents.violations
    told = f"rules are broken {counted(len(found), 'time')}" if found else "no rule is broken"
    out.print(told, markup=False)
    if contents.lacks:
        lack = contents.lacks[0]
        out.print(f"somebody is missing in {counted(len(contents.lacks), 'interval')}: {lack}")
    for violation in found[:BROKEN_SHOWN]:
        say(str(violation), indent="  ")
    if len(found) > BROKEN_SHOWN:
        out.print(f"  ... and {len(found) - BROKEN_SHOWN} more (--json lists them)", markup=False)


# -- one agent -----------------------------------------------------------------------------------


def _show_agent(contents: Contents, shifts: Sequence[Shift]) -> None:
    """A line a shift, with its breaks."""
    zone = contents.brand.tz
    shown = Table(box=None, pad_edge=False)
    for name in ("day", "shift", "template", "paid h", "in it", ""):
        shown.add_column(name, no_wrap=True)
    for shift in shifts:
        day = contents.day_of(shift)
        inside = [s for s in shift.segments if s.activity != "on_queue"]
        shown.add_row(
            f"{day:%a} {day}",
            _span(shift, contents),
            shift.template,
            f"{shift.paid_minutes(contents.brand.activities) / 60:g}",
            ", ".join(
                f"{s.activity.replace('_', ' ')} {clock_time(s.start, zone)}" for s in inside
            ),
            "pinned" if shift.pinned else "",
        )
    show_table(shown)


def _span(shift: Shift, contents: Contents) -> str:
    zone = contents.brand.tz
    return f"{clock_time(shift.start, zone)}-{clock_time(shift.end, zone)}"


# -- one day -------------------------------------------------------------------------------------


def _show_day(contents: Contents, day: date, shifts: Sequence[Shift]) -> None:
    """A row a shift that starts on the day: half an hour a character, up to midnight."""
    ruler = "".join(f"{hour:02d}".ljust(8) for hour in range(0, 24, 4))
    wide = max([5, *(len(contents.names[s.agent_id]) for s in shifts)])
    out.print(f"{'':<{wide}}  {'':<11}  {ruler}", markup=False)
    for shift in sorted(shifts, key=lambda s: (s.start, s.end, s.agent_id)):
        name = f"{contents.names[shift.agent_id]:<{wide}}"
        out.print(f"{name}  {_span(shift, contents)}  {_bar(shift, day, contents)}", markup=False)
    out.print(
        f"{counted(len(shifts), 'shift')}; █ on queue, b break, m meal, ░ standby, o other; > goes "
        "on after midnight",
        markup=False,
    )


def _bar(shift: Shift, day: date, contents: Contents) -> str:
    zone = contents.brand.tz
    starts, ends = (local_midnight(d, zone) for d in (day, day + DAY))
    marks = [" "] * HALF_HOURS
    for segment in shift.segments:
        mark = MARKS.get(segment.activity, OTHER_MARK)
        for at in intervals(max(segment.start, starts), min(segment.end, ends)):
            half = _half_hour(at, contents)
            marks[half] = max(marks[half], mark, key=ORDER.index)
    return "".join(marks).rstrip() + (">" if shift.end > ends else "")


def _half_hour(at: datetime, contents: Contents) -> int:
    """By the clock on the wall: what happens twice in autumn stands on one place."""
    local = at.astimezone(contents.brand.tz)
    return local.hour * 2 + local.minute // 30


# -- a week --------------------------------------------------------------------------------------


def _show_week(contents: Contents, first: date) -> None:
    """A row an agent, a column a day; paid hours of the week at the end."""
    days = [d for d in (first + n * DAY for n in range(7)) if d in contents.days]
    cells: dict[tuple[str, date], Shift] = {}
    for shift in contents.shifts:
        cells.setdefault((shift.agent_id, contents.day_of(shift)), shift)
    shown = Table(box=None, pad_edge=False)
    for name in ("agent", "name", *(f"{d:%a} {d.day} {d:%b}" for d in days), "paid h"):
        shown.add_column(name, no_wrap=True)
    off = {(a.agent_id, d) for a in contents.agents for d in days if a.is_off(d)}
    for agent_id, name in contents.names.items():
        own = [(day, cells.get((agent_id, day))) for day in days]
        paid = sum(s.paid_minutes(contents.brand.activities) for _, s in own if s) / 60
        shown.add_row(
            agent_id,
            name,
            *(
                _span(shift, contents) + ("*" if shift.pinned else "")
                if shift
                else "off"
                if (agent_id, day) in off
                else "."
                for day, shift in own
            ),
            f"{paid:g}",
        )
    show_table(shown)
    out.print("* pinned; off: granted time off", markup=False)
