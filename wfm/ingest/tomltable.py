"""Reading a TOML document with every fault told where it stands.

`tomllib` keeps no line numbers, so `Places` finds them in the text: the line of each table's header
and of each key that begins a line.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wfm.errors import DataError, RequestError
from wfm.ingest.faults import Faults, choose, nearest
from wfm.ingest.tables import BINARY, check_file
from wfm.timegrid import zone_named

Place = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\- ]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\-]+)\s*=")
QUEUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,79}")
PLAIN_NAME = re.compile(r"[^;:,\s][^;:,\n]{0,79}")
_SYNTAX_LINE = re.compile(r"\(at line (\d+)")


class Places:
    """Where the tables and keys of a TOML text stand."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {}
        counts: dict[Place, int] = {}
        at: Place = ()
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.match(line):
                at = ()
                *parents, last = header[2].split(".")
                for name in parents:
                    at = (*at, name.strip())
                    if at in counts:
                        at = (*at, counts[at])
                at = (*at, last.strip())
                if header[1] == "[[":
                    counts[at] = counts.get(at, -1) + 1
                    at = (*at, counts[at])
                self._lines.setdefault(at, number)
            elif key := _KEY.match(line):
                self._lines.setdefault((*at, *key[1].split(".")), number)

    def line(self, place: Place) -> int:
        """Line of the place, or of the nearest thing around it; 0 when nothing is."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 0)


def words(place: Place) -> str:
    """A place as people write it.

    >>> words(("queues", 1, "work", "continue_p"))
    'queues[2].work.continue_p'
    """
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass
class Reading:
    """A document being read: its faults and where its parts stand."""

    faults: Faults
    places: Places

    def fault(self, place: Place, value: object, remedy: str) -> None:
        self.faults.add(self.places.line(place), words(place), value, remedy)


@dataclass
class TomlTable:
    """A table of the document, taken key by key; `done` tells of keys nobody asked for.

    Every getter gives a value of the right kind whatever stands there, so that reading goes on to
    the next fault; the document is refused at the end.
    """

    reading: Reading
    values: dict[str, Any]
    place: Place = ()
    asked: set[str] = field(default_factory=set)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def fault(self, key: str, remedy: str, value: object = "") -> None:
        self.reading.fault((*self.place, key), value, remedy)

    def raw(self, key: str) -> Any:
        """The value as it stands, or None."""
        self.asked.add(key)
        return self.values.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        value = self._required(key, default)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value is not None:
            self.fault(key, "want a text in quotation marks that is not empty", value)
        return default or ""

    def text_if_any(self, key: str) -> str:
        """The text under `key`, "" where it is left out."""
        self.asked.add(key)
        return self.text(key) if key in self else ""

    def choice(self, key: str, known: Sequence[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value and value not in known:
            self.fault(key, choose(value, known), value)
        return value if value in known else known[0]

    def number(
        self,
        key: str,
        default: float | None = None,
        *,
        low: float = 0.0,
        high: float = float("inf"),
        above: bool = False,
        below: bool = False,
    ) -> float:
        """A number from `low` to `high`; `above` and `below` leave the ends themselves out."""
        value = self._required(key, default)
        span = f"{'above' if above else 'at least'} {low:g}"
        if high != float("inf"):
            span += f" and {'below' if below else 'at most'} {high:g}"
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            fits = (
                math.isfinite(value)
                and (value > low if above else value >= low)
                and (value < high if below else value <= high)
            )
            if fits:
                return float(value)
        if value is not None:
            self.fault(key, f"want a number, {span}", value)
        return low if default is None else default

    def whole(
        self, key: str, default: int | None = None, *, low: int = 0, high: int = 1_000_000
    ) -> int:
        value = self._required(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        if value is not None:
            self.fault(key, f"want a whole number from {low} to {high}", value)
        return low if default is None else default

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self._required(key, default)
        if value is not None and not isinstance(value, bool):
            self.fault(key, "want true or false", value)
        return value is True

    def texts(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of texts; a single text is a list of one."""
        value = self._required(key, default)
        listed = [value] if isinstance(value, str) else value
        if isinstance(listed, (list, tuple)) and all(isinstance(v, str) for v in listed):
            return tuple(v.strip() for v in listed)
        if value is not None:
            self.fault(key, 'want a list of texts, such as ["one", "two"]', value)
        return tuple(default or ())

    def table(self, key: str) -> TomlTable:
        """The table under `key`, empty when it is not there."""
        value = self.raw(key)
        if value is not None and not isinstance(value, dict):
            self.fault(key, "want a table of keys", value)
        values = value if isinstance(value, dict) else {}
        return TomlTable(self.reading, values, (*self.place, key))

    def tables(self, key: str) -> Iterator[TomlTable]:
        """The tables of the list under `key`; none when it is not there."""
        value = self.raw(key)
        listed = value if isinstance(value, list) else []
        if value is not None and not (
            isinstance(value, list) and all(isinstance(v, dict) for v in value)
        ):
            self.fault(key, "want a list of tables", value)
        for i, item in enumerate(listed):
            if isinstance(item, dict):
                yield TomlTable(self.reading, item, (*self.place, key, i))

    def done(self) -> None:
        """Tell of keys that nobody asked for."""
        for key in self.values:
            if key not in self.asked:
                spare = sorted(self.asked - set(self.values))
                like = nearest(key, spare) or nearest(key, sorted(self.asked))
                known = f"did you mean {like!r}?" if like else f"known: {', '.join(self.asked)}"
                self.fault(key, f"unknown key; {known}")

    def _required(self, key: str, default: Any) -> Any:
        value = self.raw(key)
        if value is None and default is None:
            self.fault(key, "missing; it has no default")
        return default if value is None else value


def read_toml(path: Path, faults: Faults) -> TomlTable:
    """The document as its top table; FileFaults at once when it is no TOML."""
    check_file(path)
    data = path.read_bytes()
    if not data.strip():
        faults.add(0, "", "", "the file is empty", fatal=True)
    elif b"\0" in data:
        faults.add(0, "", "", BINARY.replace("CSV", "TOML").replace(", or Parquet", ""), fatal=True)
    faults.stop()
    try:
        text = data.decode("utf-8-sig")
        values = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        faults.add(line, "", "", "not UTF-8; save the file as UTF-8", fatal=True)
        raise faults.error() from error
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX_LINE.search(str(error))
        line = int(found[1]) if found else 0
        shown = text.splitlines()[line - 1].strip() if line else ""
        faults.add(line, "", shown, f"this is no TOML: {error}", fatal=True)
        raise faults.error() from error
    return TomlTable(Reading(faults, Places(text)), values)


def told(table: TomlTable, key: str, error: DataError, value: object = "") -> None:
    """Turn a domain object's refusal into a fault of the key."""
    table.fault(key, error.message, value)


def zone_of(table: TomlTable) -> str:
    zone = table.text("zone")
    if not zone:
        return "UTC"
    try:
        zone_named(zone)
    except RequestError as error:
        table.fault("zone", error.message, zone)
        return "UTC"
    return zone


def named(table: TomlTable, taken: dict[str, int], pattern: re.Pattern[str] = PLAIN_NAME) -> str:
    """The table's name, unique among its like."""
    name = table.text("name")
    if name and not pattern.fullmatch(name):
        rule = (
            "use letters, digits, '_', '-' and '.', up to 80"
            if pattern is QUEUE_NAME
            else "use up to 80 characters without ';', ':' and ','"
        )
        table.fault("name", rule, name)
    if name in taken:
        table.fault("name", f"the name is taken by number {taken[name] + 1} of the list", name)
    taken.setdefault(name, len(taken))
    return name
