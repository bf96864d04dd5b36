"""Cells as values, a column at a time, with a fault for each that is none.

Every reader tries the whole column at once and looks at single cells only where that fails, so that
clean files are quick and dirty ones exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wfm.ingest.faults import Faults, unknown
from wfm.timegrid import format_instant

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ambiguous = Literal["error", "split", "first"]

# What the store's integer column holds.
MOST = 2**31 - 1
EPOCH_2100 = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
STAMP = "write it as 2026-03-02 09:00, or 2026-03-02T09:00Z"

_SEPARATED = re.compile(r"\d{1,3}([.,' \u00a0\u202f]\d{3})+")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_LENGTHS = (16, 19)  # of 2026-03-02 09:00 and 2026-03-02 09:00:00


# -- counts and durations ------------------------------------------------------------------------


def counts(texts: Sequence[str], lines: Ints, column: str, faults: Faults) -> tuple[Ints, Mask]:
    """Whole numbers of 0 or more, and which cells held one."""
    joined = "".join(texts)
    if joined.isascii() and joined.isdigit() and all(texts):
        values = np.array([int(t) for t in texts], dtype=np.float64)
        if values.max() <= MOST:
            return values.astype(np.int64), np.ones(len(texts), dtype=bool)
    values_slow = np.zeros(len(texts), dtype=np.int64)
    good = np.zeros(len(texts), dtype=bool)
    for i, text in enumerate(texts):
        value, remedy = _count(text)
        if remedy:
            faults.add(int(lines[i]), column, text, remedy)
        else:
            values_slow[i], good[i] = value, True
    return values_slow, good


def _count(text: str) -> tuple[int, str]:
    if not text:
        return 0, "empty; write 0 if there was none, leave the row out if it is not known"
    value, remedy = number(text)
    if remedy:
        return 0, remedy
    if value < 0:
        return 0, "a count cannot be negative"
    if value != int(value):
        return 0, "a count is a whole number; is this the right column?"
    if value > MOST:
        return 0, f"too large for a count; at most {MOST}"
    return int(value), ""


def number(text: str) -> tuple[float, str]:
    """The number, or what is wrong with it."""
    try:
        value = float(text) if text.isascii() and "_" not in text else float("nan")
    except ValueError:
        value = float("nan")
    if np.isfinite(value):
        return value, ""
    if _DECIMAL_COMMA.fullmatch(text) and not _SEPARATED.fullmatch(text):
        return 0.0, f"write it with a point: {text.replace(',', '.')}"
    if _SEPARATED.fullmatch(text):
        plain = re.sub(r"\D", "", text)
        return 0.0, f"write it without thousands separators: {plain}"
    return 0.0, "this is no number"


def seconds(texts: Sequence[str], lines: Ints, column: str, faults: Faults) -> tuple[Floats, Mask]:
    """Durations above 0, seconds; NaN where the cell is empty."""
    filled = [text or "nan" for text in texts]
    try:
        values = np.array(filled, dtype=np.float64)
        if not np.any((values <= 0) | np.isinf(values)):
            return values, np.ones(len(texts), dtype=bool)
    except ValueError:
        values = np.full(len(texts), np.nan)
    good = np.ones(len(texts), dtype=bool)
    for i, text in enumerate(texts):
        if not text or text.lower() == "nan":
            values[i] = np.nan
            continue
        values[i], remedy = number(text)
        if not remedy and values[i] <= 0:
            remedy = "a handling time is above 0 seconds; leave it empty where it is not known"
        if remedy:
            faults.add(int(lines[i]), column, text, remedy)
            good[i] = False
    return values, good


# -- names ---------------------------------------------------------------------------------------


def queue_numbers(
    texts: Sequence[str], lines: Ints, numbers: Mapping[str, int], faults: Faults
) -> tuple[Ints, Mask]:
    """The queues' numbers, and which cells named one."""
    found = np.array([numbers.get(text, -1) for text in texts], dtype=np.int64)
    good = found >= 0
    for i in np.flatnonzero(~good).tolist():
        text = texts[i]
        remedy = unknown("queue", text, numbers) if text else "empty; name the queue"
        faults.add(int(lines[i]), "queue", text, remedy)
    return found, good


# -- instants ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Instants:
    """Instants in seconds since 1970, UTC.

    second  of a local time that the clock change repeats: its second meaning; elsewhere the same
    good    which cells held an instant
    """

    first: Ints
    second: Ints
    good: Mask

    @property
    def repeated(self) -> Mask:
        mask: Mask = self.good & (self.second != self.first)
        return mask


def instants(
    texts: Sequence[str],
    lines: Ints,
    column: str,
    faults: Faults,
    *,
    zone: str,
    floor_s: int = 1,
    ambiguous: Ambiguous = "error",
    ways: str = "choose --ambiguous split or first, or ",
) -> Instants:
    """Stamps as instants, rounded down to `floor_s`; local to `zone` unless they carry an offset.

    A local time that does not exist is a fault; so is one that exists twice, when `ambiguous` is
    "error". With "first" its second meaning is dropped, with "split" both are given.

    ways  how else a repeated local time can be settled, for the remedy
    """
    wall, aware, good = _wall_times(texts, lines, column, faults)
    wall -= wall % floor_s
    outside = good & ((wall < 0) | (wall >= EPOCH_2100))
    for i in np.flatnonzero(outside).tolist():
        faults.add(int(lines[i]), column, texts[i], f"lies outside 1970 to 2100; {STAMP}")
    good &= ~outside
    wall[~good] = 0
    local = good & ~aware
    if zone == "UTC" or not local.any():
        return Instants(wall, wall.copy(), good)
    early, late = _to_utc(wall[local], zone)
    at = np.flatnonzero(local)
    for i in at[early < 0].tolist():
        faults.add(
            int(lines[i]),
            column,
            texts[i],
            f"does not exist in {zone}: the clocks go forward over it; correct the stamp or the "
            "zone, or write the stamp with its offset",
        )
        good[i] = False
    if ambiguous == "error":
        for i, one, two in zip(at.tolist(), early.tolist(), late.tolist(), strict=True):
            if one != two:
                meanings = " and ".join(
                    format_instant(datetime.fromtimestamp(s, UTC)) for s in (one, two)
                )
                faults.add(
                    int(lines[i]),
                    column,
                    texts[i],
                    f"happens twice in {zone}: {meanings}; {ways}write the stamp with its offset",
                )
                good[i] = False
    first, second = wall.copy(), wall.copy()
    first[at] = early
    second[at] = late if ambiguous == "split" else early
    return Instants(first, second, good)


def _wall_times(
    texts: Sequence[str], lines: Ints, column: str, faults: Faults
) -> tuple[Ints, Mask, Mask]:
    """Seconds since 1970 as the stamp reads (UTC where it has an offset), with-offset, good."""
    lengths = set(map(len, texts))
    zulu = all(text[-1:] == "Z" for text in texts)
    if len(lengths) == 1 and lengths.pop() - zulu in _LENGTHS:
        plain = [text[:-1] for text in texts] if zulu else texts
        try:
            parsed = np.array(plain, dtype="datetime64[s]")
            return (
                parsed.astype(np.int64),
                np.full(len(texts), zulu),
                np.ones(len(texts), dtype=bool),
            )
        except ValueError:
            pass  # some cell is no stamp: the loop below finds which
    wall = np.zeros(len(texts), dtype=np.int64)
    aware = np.zeros(len(texts), dtype=bool)
    good = np.zeros(len(texts), dtype=bool)
    for i, text in enumerate(texts):
        try:
            stamp = datetime.fromisoformat(text)
        except ValueError:
            remedy = "empty" if not text else "this is no time"
            faults.add(int(lines[i]), column, text, f"{remedy}; {STAMP}")
            continue
        if ":" not in text and "T" not in text:
            faults.add(int(lines[i]), column, text, f"has no time of day; {STAMP}")
            continue
        aware[i] = stamp.tzinfo is not None
        wall[i] = int((stamp if aware[i] else stamp.replace(tzinfo=UTC)).timestamp())
        good[i] = True
    return wall, aware, good


def _to_utc(wall: Ints, zone: str) -> tuple[Ints, Ints]:
    """Both meanings of local times, seconds since 1970; below 0 where there is none."""
    index = pd.DatetimeIndex(wall.astype("datetime64[s]"))
    meanings = []
    for summer in (True, False):
        flags = np.full(len(wall), summer)
        placed = index.tz_localize(zone, ambiguous=flags, nonexistent="NaT")
        naive = placed.tz_convert("UTC").tz_localize(None)
        meanings.append(naive.to_numpy().astype("datetime64[s]").astype(np.int64))
    return np.minimum(*meanings), np.maximum(*meanings)
