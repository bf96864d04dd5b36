"""Rows of recorded cases, each checked by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, NamedTuple

import numpy as np

from wfm.ingest import cells
from wfm.ingest.faults import Faults
from wfm.ingest.tables import Column, Piece
from wfm.store.results import CaseResult

Ambiguous = Literal["error", "first"]

COLUMNS = (
    Column("queue"),
    Column("arrival"),
    Column("first_response_at"),
    Column("resolved_at", required=False),
    Column("paused_s", required=False),
    Column("external_id", required=False),
)
LONGEST = 190  # characters of an id that the store keeps


class Row(NamedTuple):
    """A good row: the line it stands on, the case's id ("" without one), and what came of it."""

    line: int
    external_id: str
    case: CaseResult


def rows_of(
    piece: Piece, faults: Faults, *, queues: dict[str, int], zone: str, ambiguous: Ambiguous
) -> list[Row]:
    """The good rows of a piece of a file; what is wrong with the others goes into the faults.

    queues  the brand's, by name
    zone    of stamps without an offset
    """
    lines = piece.lines
    _, good = cells.queue_numbers(piece.cells["queue"], lines, queues, faults)
    stamps = []
    for column in ("arrival", "first_response_at", "resolved_at"):
        found, known = _instants(piece, column, faults, zone=zone, ambiguous=ambiguous)
        good &= known
        stamps.append(found)
    arrival, replied, resolved = stamps
    paused, known = _pauses(piece, faults)
    good &= known
    ids = piece.cells.get("external_id") or [""] * len(lines)
    for i, external_id in enumerate(ids):
        if len(external_id) > LONGEST:
            remedy = f"longer than {LONGEST} characters"
            faults.add(int(lines[i]), "external_id", external_id, remedy)
            good[i] = False
    good &= _in_order(piece, (arrival, replied, resolved), good, faults)
    names = piece.cells["queue"]
    return [
        Row(
            int(lines[i]),
            ids[i],
            CaseResult(
                names[i],
                datetime.fromtimestamp(int(arrival[i]), UTC),
                _instant(replied[i]),
                _instant(resolved[i]),
                None if np.isnan(paused[i]) else float(paused[i]),
            ),
        )
        for i in np.flatnonzero(good).tolist()
    ]


def _instant(seconds: float) -> datetime | None:
    return None if np.isnan(seconds) else datetime.fromtimestamp(int(seconds), UTC)


def _instants(
    piece: Piece, column: str, faults: Faults, *, zone: str, ambiguous: Ambiguous
) -> tuple[cells.Floats, cells.Mask]:
    """Epoch seconds, NaN where the cell is empty and may be; and which cells are good."""
    found = np.full(len(piece.lines), np.nan)
    good = np.ones(len(piece.lines), dtype=bool)
    texts = piece.cells.get(column)
    if texts is None:
        return found, good
    filled = [i for i, text in enumerate(texts) if text or column == "arrival"]
    stamps = cells.instants(
        [texts[i] for i in filled],
        piece.lines[filled],
        column,
        faults,
        zone=zone,
        ambiguous=ambiguous,
        ways="choose --ambiguous first, or ",
    )
    found[filled] = stamps.first
    good[filled] = stamps.good
    return found, good


def _pauses(piece: Piece, faults: Faults) -> tuple[cells.Floats, cells.Mask]:
    """Seconds of 0 or more, NaN where the cell is empty; and which cells are good."""
    found = np.full(len(piece.lines), np.nan)
    good = np.ones(len(piece.lines), dtype=bool)
    for i, text in enumerate(piece.cells.get("paused_s", ())):
        if not text:
            continue
        found[i], remedy = cells.number(text)
        if not remedy and found[i] < 0:
            remedy = "a pause cannot be negative; leave it empty where it is not known"
        if remedy:
            faults.add(int(piece.lines[i]), "paused_s", text, remedy)
            good[i] = False
    return found, good


def _in_order(
    piece: Piece, stamps: tuple[cells.Floats, ...], good: cells.Mask, faults: Faults
) -> cells.Mask:
    """Which rows say nothing that comes before what it follows; the others are told.

    stamps  arrival, first reply, resolved
    """
    arrival, replied, resolved = stamps
    right = np.ones(len(arrival), dtype=bool)
    with np.errstate(invalid="ignore"):
        early = (
            ("first_response_at", replied < arrival, "before it arrived"),
            ("resolved_at", resolved < arrival, "before it arrived"),
            ("resolved_at", resolved < replied, "before the first reply"),
        )
    for column, wrong, what in early:
        for i in np.flatnonzero(wrong & good & right).tolist():
            text = piece.cells[column][i]
            remedy = f"lies {what}; are both stamps of the same zone?"
            faults.add(int(piece.lines[i]), column, text, remedy)
            right[i] = False
    return right
