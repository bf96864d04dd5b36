"""A roster as a workbook: the grid of agents by days, every day by quarter-hour, and what the
roster keeps and promises.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from api.console import words
from api.console.shiftgrid import KINDS, Shift, kind_of, label_of
from api.exports.contents import Contents
from wfm.frames import interval_index
from wfm.people import Agent
from wfm.rules import RULES
from wfm.timegrid import INTERVAL, intervals, local_midnight

SHEETS = ("Roster", "Day view", "Rules and certificate")

# As the console's grid shows the kinds of shift.
KIND_COLOURS = {
    "early": "#fff0cc",
    "day": "#ddefe4",
    "late": "#dbe8f7",
    "night": "#d8d5ec",
    "away": "#eceff2",
    "standby": "#f8dfe6",
}

# What stands in a quarter-hour, so that the view is read without its colours too.
LETTERS = {
    "on_queue": ("Q", "#cfe0f1"),
    "break": ("B", "#ffffff"),
    "meal": ("M", "#f4f4f4"),
    "meeting": ("T", "#ead9f2"),
    "training": ("L", "#ead9f2"),
    "time_off": ("A", "#eceff2"),
    "standby": ("S", "#f8dfe6"),
}
OTHER = ("O", "#f2e9d0")
DAY = timedelta(days=1)


def xlsx_of(contents: Contents) -> bytes:
    """The roster as an XLSX workbook with the sheets of SHEETS.

    All text is written as text: nothing in it becomes a formula or a link.
    """
    written = io.BytesIO()
    book = Workbook(
        written,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    # The file is a function of the roster: no hour of its making in it.
    book.set_properties({"title": contents.title, "created": contents.start.replace(tzinfo=None)})
    formats = _formats(book)
    grid, days, facts = (_Page(book.add_worksheet(name), formats, contents) for name in SHEETS)
    _write_grid(grid)
    _write_days(days)
    _write_facts(facts)
    book.close()
    return written.getvalue()


@dataclass(frozen=True)
class _Page:
    """A sheet, the looks of its cells by name, and what is written on it."""

    sheet: Worksheet
    formats: Mapping[str, Format]
    contents: Contents

    def line(self, row: int, texts: Sequence[str], look: str | None = None) -> None:
        """Write texts from the first column on."""
        for column, text in enumerate(texts):
            self.text(row, column, text, look)

    def text(self, row: int, column: int, text: str, look: str | None = None) -> None:
        self.sheet.write_string(row, column, text, self.formats[look] if look else None)

    def number(self, row: int, column: int, value: float, look: str | None = None) -> None:
        self.sheet.write_number(row, column, value, self.formats[look] if look else None)


def _formats(book: Workbook) -> Mapping[str, Format]:
    centred = {"align": "center", "font_size": 9}
    chosen: dict[str, dict[str, Any]] = {
        "title": {"bold": True, "font_size": 13},
        "head": {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"},
        "weekend": {"bold": True, "bottom": 1, "font_color": "#6d51a3", "text_wrap": True},
        "quarter": {"bold": True, "font_size": 7, "rotation": 90, "bottom": 1},
        "hours": {"num_format": "0.00"},
        "share": {"num_format": "0.0%"},
        "heads": {**centred, "italic": True, "top": 1},
        **{f"kind {k}": {**centred, "bg_color": c} for k, c in KIND_COLOURS.items()},
        **{f"in {a}": {**centred, "bg_color": c} for a, (_, c) in LETTERS.items()},
        "in other": {**centred, "bg_color": OTHER[1]},
    }
    return {name: book.add_format(look) for name, look in chosen.items()}


# -- agents by days ------------------------------------------------------------------------------

_AGENT = ("agent", "name", "contract")
_HEAD = 3


def _write_grid(page: _Page) -> None:
    """A row an agent, a column a day; shifts by their local times, paid hours at the end."""
    contents, sheet = page.contents, page.sheet
    brand, days = contents.brand, contents.days
    first = len(_AGENT)
    behind = first + len(days)
    page.text(0, 0, f"{brand.name}: {contents.title}", "title")
    page.text(1, 0, f"{words.day_span(days[0], days[-1])}, times of {brand.zone}")
    for n, kind in enumerate(KINDS):
        page.text(1, first + n, kind, f"kind {kind}")
    page.line(_HEAD, _AGENT, "head")
    for n, day in enumerate(days):
        look = "weekend" if day.weekday() in brand.weekend else "head"
        page.text(_HEAD, first + n, f"{day:%a}\n{day.day} {day:%b}", look)
    page.text(_HEAD, behind, "paid hours", "head")
    page.text(_HEAD, behind + 1, "shifts", "head")

    by_agent: dict[str, list[Shift]] = {agent.agent_id: [] for agent in contents.agents}
    for shift in contents.shifts:
        by_agent.setdefault(shift.agent_id, []).append(shift)
    known = {agent.agent_id: agent for agent in contents.agents}
    for row, (agent_id, shifts) in enumerate(by_agent.items(), start=_HEAD + 1):
        _write_agent(page, row, known.get(agent_id), shifts)
        page.text(row, 0, agent_id)
        page.text(row, 1, contents.names[agent_id])
        paid = sum(shift.paid_minutes(brand.activities) for shift in shifts) / 60
        page.number(row, behind, round(paid, 2), "hours")
        page.number(row, behind + 1, len(shifts))
    sheet.freeze_panes(_HEAD + 1, first)
    sheet.set_column(0, 0, 10)
    sheet.set_column(1, 1, 20)
    sheet.set_column(2, behind - 1, 11)
    sheet.set_landscape()
    sheet.repeat_rows(_HEAD)
    sheet.fit_to_pages(1, 0)


def _write_agent(page: _Page, row: int, agent: Agent | None, shifts: Sequence[Shift]) -> None:
    """The agent's contract and cells: shifts, and granted time off where no shift stands."""
    days, zone = page.contents.days, page.contents.brand.tz
    if agent is not None:
        page.text(row, 2, agent.contract_on(days[0]) or agent.contract_on(days[-1]) or "")
    for n, day in enumerate(days):
        own = [shift for shift in shifts if page.contents.day_of(shift) == day]
        if own:
            text = " / ".join(label_of(shift, zone) for shift in own)
            page.text(row, len(_AGENT) + n, text, f"kind {kind_of(own[0], zone)}")
        elif agent is not None and agent.is_off(day):
            page.text(row, len(_AGENT) + n, "off", "kind away")


# -- days by quarter-hour ------------------------------------------------------------------------

_SHIFT = ("day", "agent", "name", "template", "start", "end")


def _write_days(page: _Page) -> None:
    """A block a day: a column a quarter-hour, a row a shift that starts then, heads on queue last.

    The columns go on behind midnight as far as the day's shifts do; on the days on which the
    clocks change there are four fewer, or four more.
    """
    legend = "; ".join(f"{letter} {words.activity(code)}" for code, (letter, _) in LETTERS.items())
    page.text(0, 0, f"{legend}; {OTHER[0]} other", "title")
    by_day: dict[date, list[Shift]] = {day: [] for day in page.contents.days}
    for shift in page.contents.shifts:
        by_day.setdefault(page.contents.day_of(shift), []).append(shift)
    row = 2
    for day, shifts in by_day.items():
        row = _write_day(page, row, day, shifts) + 1
    sheet = page.sheet
    for column, width in enumerate((16, 10, 20, 11, 6, 6)):
        sheet.set_column(column, column, width)
    sheet.set_column(len(_SHIFT), len(_SHIFT) + 200, 2.3)
    sheet.freeze_panes(1, len(_SHIFT))
    sheet.set_landscape()


def _write_day(page: _Page, row: int, day: date, shifts: Sequence[Shift]) -> int:
    """Write one day's block from `row` on; gives the first row behind it."""
    zone, first = page.contents.brand.tz, len(_SHIFT)
    starts = local_midnight(day, zone)
    ends = max([local_midnight(day + DAY, zone), *(shift.end for shift in shifts)])
    page.line(row, _SHIFT, "head")
    for n, at in enumerate(intervals(starts, ends)):
        page.text(row, first + n, words.clock_time(at, zone), "quarter")
    for shift in sorted(shifts, key=lambda s: (s.start, s.end, s.agent_id)):
        row += 1
        told = (
            words.day_name(day),
            shift.agent_id,
            page.contents.names[shift.agent_id],
            shift.template,
            words.clock_time(shift.start, zone),
            words.clock_time(shift.end, zone),
        )
        page.line(row, told)
        for segment in shift.segments:
            known = segment.activity in LETTERS
            letter = LETTERS[segment.activity][0] if known else OTHER[0]
            look = f"in {segment.activity}" if known else "in other"
            for at in intervals(segment.start, segment.end):
                page.text(row, first + _quarter(at, starts), letter, look)
    row += 1
    page.line(row, (words.day_name(day), "on queue"), "heads")
    for n, heads in enumerate(_heads(page.contents, starts, ends)):
        page.number(row, first + n, heads, "heads")
    return row + 1


def _quarter(at: datetime, starts: datetime) -> int:
    return int((at - starts) / INTERVAL)


def _heads(contents: Contents, starts: datetime, ends: datetime) -> list[int]:
    """Agents on queue by quarter-hour of [starts, ends), those of other days' shifts too."""
    index = interval_index(starts, ends)
    table = contents.roster[contents.roster["activity"] == "on_queue"]
    begun = table["start"].searchsorted(index, side="right", sorter=table["start"].argsort())
    ended = table["end"].searchsorted(index, side="right", sorter=table["end"].argsort())
    heads: list[int] = (begun - ended).tolist()
    return heads


# -- what it keeps and promises ------------------------------------------------------------------


def _write_facts(page: _Page) -> None:
    """Every rule with how often it is broken, each violation, and the certificate's goals."""
    contents, sheet = page.contents, page.sheet
    broken = Counter(violation.rule for violation in contents.violations)
    broken["presence"] += len(contents.lacks)
    rules = [(rule.name, rule.says, broken[rule.name]) for rule in RULES.values()]
    row = _table(page, 0, "Rules", ("rule", "what holds", "times broken"), rules)
    if contents.violations:
        told = [(v.rule, v.detail, v.agent_id, v.day.isoformat()) for v in contents.violations]
        head = ("rule", "what is broken", "agent", "day")
        row = _table(page, row, "Where rules are broken", head, told)
    if contents.lacks:
        lacks = [(lack.presence, str(lack)) for lack in contents.lacks]
        row = _table(page, row, "Where somebody is missing", ("who", "when"), lacks)
    if not contents.goals:
        page.text(row, 0, "Certificate", "title")
        page.text(row + 1, 0, "None yet: a draft is certified when it is published.")
    else:
        goals = [
            (
                goal.queue or "all",
                words.METRICS.get(goal.metric, goal.metric)
                + (" after opening" if goal.goal == "opening" else ""),
                "yes" if goal.kept else "no",
                *(goal.share, goal.attainment, goal.p10, goal.p90),
                goal.threshold_s,
            )
            for goal in contents.goals
        ]
        promised = ("queue", "goal", "kept", "promised", "attained", "P10", "P90", "within seconds")
        _table(page, row, "Certificate", promised, goals, shares=(3, 4, 5, 6))
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 70)
    sheet.set_column(2, 7, 13)


def _table(
    page: _Page,
    row: int,
    title: str,
    head: Sequence[str],
    lines: Sequence[Sequence[str | float | None]],
    *,
    shares: Sequence[int] = (),
) -> int:
    """Write a titled table from `row` on; gives the row where the next one may begin.

    shares  columns whose figures are shown in percent
    """
    page.text(row, 0, title, "title")
    page.line(row + 1, head, "head")
    for at, line in enumerate(lines, start=row + 2):
        for column, value in enumerate(line):
            if isinstance(value, str):
                page.text(at, column, value)
            elif value is not None:
                page.number(at, column, value, "share" if column in shares else None)
    return row + 3 + len(lines)
