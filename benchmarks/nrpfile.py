"""Reads the text format of the Curtois & Qu nurse rostering instances into plain data.

A file is a row of sections, each begun by its name on a line of its own; `#` begins a comment, and
values are separated by commas, lists inside a value by `|`. Days count from 0, a Monday.

    SECTION_HORIZON             days
    SECTION_SHIFTS              shift, minutes, shifts that may not follow it on the next day
    SECTION_STAFF               employee, shift=most of it, most minutes, fewest minutes,
                                most days worked in a row, fewest, fewest days off in a row,
                                most weekends
    SECTION_DAYS_OFF            employee, day, day ...
    SECTION_SHIFT_ON_REQUESTS   employee, day, shift, weight
    SECTION_SHIFT_OFF_REQUESTS  the same
    SECTION_COVER               day, shift, wanted, weight of one under, weight of one over

What the rules demand is said in `benchmarks.nrpcheck`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from wfm.errors import DataError, Fault, FileFaults


@dataclass(frozen=True)
class ShiftType:
    """A shift of the instance; `barred` are the shifts that may not follow it on the next day."""

    name: str
    minutes: int
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Employee:
    """An employee and the limits of their line.

    most_of  most shifts of a type, by its name; a type that is not named has no limit
    off      days on which they never work
    """

    name: str
    most_of: dict[str, int]
    max_minutes: int
    min_minutes: int
    max_run: int
    min_run: int
    min_days_off: int
    max_weekends: int
    off: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Request:
    """A wish of an employee to have a shift on a day, or not to have it."""

    employee: str
    day: int
    shift: str
    weight: int


@dataclass(frozen=True)
class Cover:
    """How many are wanted on a shift of a day, and what one too few or too many costs."""

    day: int
    shift: str
    wanted: int
    under: int
    over: int


@dataclass(frozen=True)
class Instance:
    """A whole instance, in the order of its file."""

    name: str
    days: int
    shifts: tuple[ShiftType, ...]
    staff: tuple[Employee, ...]
    on: tuple[Request, ...]
    off: tuple[Request, ...]
    cover: tuple[Cover, ...]


# Section -> what its values are; the last one of SHIFTS may be empty, that of DAYS_OFF repeats.
VALUES = {
    "SECTION_HORIZON": ("days",),
    "SECTION_SHIFTS": ("shift", "minutes", "barred"),
    "SECTION_STAFF": (
        "employee",
        "max_shifts",
        "max_minutes",
        "min_minutes",
        "max_run",
        "min_run",
        "min_days_off",
        "max_weekends",
    ),
    "SECTION_DAYS_OFF": ("employee", "day"),
    "SECTION_SHIFT_ON_REQUESTS": ("employee", "day", "shift", "weight"),
    "SECTION_SHIFT_OFF_REQUESTS": ("employee", "day", "shift", "weight"),
    "SECTION_COVER": ("day", "shift", "wanted", "under", "over"),
}
NEEDED = ("SECTION_HORIZON", "SECTION_SHIFTS", "SECTION_STAFF", "SECTION_COVER")


@dataclass(frozen=True)
class _Row:
    line: int
    values: tuple[str, ...]


class _Faults:
    """The faults of a file as they are met, and the values that can be read all the same."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, line: int, column: str, value: str, remedy: str) -> None:
        self.found.append(Fault(line, column, value, remedy))

    def whole(self, line: int, column: str, value: str, *, at_least: int = 0) -> int:
        """The whole number a value stands for; 0 where it stands for none."""
        try:
            number = int(value)
        except ValueError:
            self.add(line, column, value, "want a whole number")
            return 0
        if number < at_least:
            self.add(line, column, value, f"want {at_least} or more")
        return number

    def day(self, line: int, value: str, days: int) -> int:
        number = self.whole(line, "day", value)
        if days and number >= days:
            self.add(line, "day", value, f"the horizon's days are 0 to {days - 1}")
        return number

    def known(self, line: int, column: str, value: str, names: Iterable[str]) -> str:
        if value not in names:
            self.add(line, column, value, f"no such {column} in the file")
        return value

    def once(self, kind: str, rows: Iterable[_Row], key: Callable[[_Row], str]) -> None:
        seen: dict[str, int] = {}
        for row in rows:
            name = key(row)
            first = seen.setdefault(name, row.line)
            if first != row.line:
                self.add(row.line, kind, name, f"stands in line {first} already; keep one")


def read_instance(path: Path) -> Instance:
    """The instance in a file.

    Raises DataError when the file cannot be read as text, FileFaults with every fault at once, each
    with its line and value: a section or a value missing, unknown or there twice, a day outside the
    horizon, a number that is none or below what can be.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is no text in UTF-8; want an instance file") from error
    return parse_instance(text, path.stem, file=str(path))


def parse_instance(text: str, name: str, *, file: str = "text") -> Instance:
    """The instance in a text; faults as in `read_instance`."""
    faults = _Faults()
    sections = _sections(text, faults)
    days = _horizon(sections["SECTION_HORIZON"], faults)
    shifts = _shifts(sections["SECTION_SHIFTS"], faults)
    kinds = {shift.name for shift in shifts}
    staff = _staff(sections["SECTION_STAFF"], sections["SECTION_DAYS_OFF"], kinds, days, faults)
    people = {employee.name for employee in staff}
    on, off = (
        tuple(
            Request(
                faults.known(row.line, "employee", row.values[0], people),
                faults.day(row.line, row.values[1], days),
                faults.known(row.line, "shift", row.values[2], kinds),
                faults.whole(row.line, "weight", row.values[3]),
            )
            for row in sections[section]
        )
        for section in ("SECTION_SHIFT_ON_REQUESTS", "SECTION_SHIFT_OFF_REQUESTS")
    )
    cover = _cover(sections["SECTION_COVER"], kinds, days, faults)
    if faults.found:
        raise FileFaults(file, faults.found)
    return Instance(name, days, shifts, staff, on, off, cover)


def _sections(text: str, faults: _Faults) -> dict[str, list[_Row]]:
    """Rows of each section that have as many values as it wants; others are faults."""
    found: dict[str, list[_Row]] = {section: [] for section in VALUES}
    begun: Counter[str] = Counter()
    section = ""
    for line, raw in enumerate(text.splitlines(), start=1):
        said = raw.split("#", maxsplit=1)[0].strip()
        if said.upper().startswith("SECTION_"):
            section = said.upper()
            begun[section] += 1
            if section not in VALUES:
                faults.add(line, "", said, f"unknown section; known: {', '.join(VALUES)}")
            elif begun[section] > 1:
                faults.add(line, "", said, "this section was begun before; join the two")
        elif said and not section:
            faults.add(line, "", said, "stands before the first section")
        elif said and section in VALUES:
            values = tuple(value.strip() for value in said.split(","))
            if _fits(section, len(values)):
                found[section].append(_Row(line, values))
            else:
                wanted = ", ".join(VALUES[section])
                faults.add(line, section, said, f"has {len(values)} values, want {wanted}")
    for section in NEEDED:
        if not begun[section]:
            faults.add(0, "", section, "the section is missing")
        elif not found[section] and not faults.found:
            faults.add(0, "", section, "the section is empty")
    return found


def _fits(section: str, values: int) -> bool:
    wanted = len(VALUES[section])
    if section == "SECTION_DAYS_OFF":
        return True
    return values == wanted or (section == "SECTION_SHIFTS" and values == wanted - 1)


def _horizon(rows: list[_Row], faults: _Faults) -> int:
    for row in rows[1:]:
        faults.add(row.line, "days", row.values[0], "the horizon is told already; keep one")
    return faults.whole(rows[0].line, "days", rows[0].values[0], at_least=1) if rows else 0


def _list(value: str) -> list[str]:
    return [part.strip() for part in value.split("|") if part.strip()]


def _shifts(rows: list[_Row], faults: _Faults) -> tuple[ShiftType, ...]:
    faults.once("shift", rows, lambda row: row.values[0])
    names = {row.values[0] for row in rows}
    return tuple(
        ShiftType(
            row.values[0],
            faults.whole(row.line, "minutes", row.values[1], at_least=1),
            frozenset(
                faults.known(row.line, "shift", other, names)
                for other in (_list(row.values[2]) if len(row.values) > 2 else ())
            ),
        )
        for row in rows
    )


def _staff(
    rows: list[_Row], days_off: list[_Row], kinds: set[str], days: int, faults: _Faults
) -> tuple[Employee, ...]:
    faults.once("employee", rows, lambda row: row.values[0])
    off: dict[str, set[int]] = {row.values[0]: set() for row in rows}
    for row in days_off:
        name = faults.known(row.line, "employee", row.values[0], off)
        told = [faults.day(row.line, value, days) for value in row.values[1:] if value]
        off.get(name, set()).update(told)
    columns = VALUES["SECTION_STAFF"][2:]
    staff = []
    for row in rows:
        name, most, *limits = row.values
        max_minutes, min_minutes, max_run, min_run, min_days_off, max_weekends = (
            faults.whole(row.line, column, value)
            for column, value in zip(columns, limits, strict=True)
        )
        if min_minutes > max_minutes:
            faults.add(row.line, "min_minutes", str(min_minutes), f"above the most, {max_minutes}")
        staff.append(
            Employee(
                name,
                _most_of(row.line, most, kinds, faults),
                max_minutes,
                min_minutes,
                max_run,
                min_run,
                min_days_off,
                max_weekends,
                frozenset(off[name]),
            )
        )
    return tuple(staff)


def _most_of(line: int, value: str, kinds: set[str], faults: _Faults) -> dict[str, int]:
    most = {}
    for part in _list(value):
        name, equals, figure = (piece.strip() for piece in part.partition("="))
        if not equals:
            faults.add(line, "max_shifts", part, "want shift=number")
            continue
        if name in most:
            faults.add(line, "max_shifts", part, f"{name} is limited twice; keep one")
        faults.known(line, "shift", name, kinds)
        most[name] = faults.whole(line, "max_shifts", figure)
    return most


def _cover(rows: list[_Row], kinds: set[str], days: int, faults: _Faults) -> tuple[Cover, ...]:
    faults.once("day and shift", rows, lambda row: ", ".join(row.values[:2]))
    return tuple(
        Cover(
            faults.day(row.line, row.values[0], days),
            faults.known(row.line, "shift", row.values[1], kinds),
            *(
                faults.whole(row.line, column, value)
                for column, value in zip(("wanted", "under", "over"), row.values[2:], strict=True)
            ),
        )
        for row in rows
    )
