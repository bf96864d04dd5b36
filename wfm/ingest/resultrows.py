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
    Column("handling_s", required=False),
    Column("external_id", required=False),
)
STAMP_S = 1.0
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
    stamps: list[cells.Floats] = []
    for column in ("arrival", "first_response_at", "resolved_at"):
        found, second, known = _instants(piece, column, faults, zone=zone, ambiguous=ambiguous)
        if stamps:
            # Of an hour that happens twice the first is meant, unless that is too early for it.
            found = np.where(found < np.fmax.reduce(stamps), second, found)
        good &= known
        stamps.append(found)
    paused, known = _seconds(piece, "paused_s", "a pause", faults)
    good &= known
    handling, known = _seconds(piece, "handling_s", "a handling time", faults)
    good &= known
    ids = piece.cells.get("external_id") or [""] * len(lines)
    for i, external_id in enumerate(ids):
        if len(external_id) > LONGEST:
            remedy = f"longer than {LONGEST} characters"
            faults.add(int(lines[i]), "external_id", external_id, remedy)
            good[i] = False
    good &= _in_order(piece, stamps, good, faults)
    good &= _fits(piece, handling, stamps, good, faults)
    names = piece.cells["queue"]
    arrival, replied, resolved = (_in_utc(of_column) for of_column in stamps)
    pauses, worked = _or_none(paused), _or_none(handling)
    numbers = lines.tolist()
    return [
        Row(
            numbers[i],
            ids[i],
            CaseResult(names[i], arrived, replied[i], resolved[i], pauses[i], worked[i]),
        )
        for i in np.flatnonzero(good).tolist()
        if (arrived := arrival[i]) is not None
    ]


def _in_utc(seconds: cells.Floats) -> list[datetime | None]:
    """Epoch seconds as instants, None for NaN."""
    naive: list[datetime | None] = seconds.astype("datetime64[s]").tolist()
    return [None if at is None else at.replace(tzinfo=UTC) for at in naive]


def _instants(
    piece: Piece, column: str, faults: Faults, *, zone: str, ambiguous: Ambiguous
) -> tuple[cells.Floats, cells.Floats, cells.Mask]:
    """Epoch seconds, NaN where the cell is empty and may be, and which cells are good.

    The second ones are those of a local time's second meaning, as far as it has one.
    """
    found, second = np.full((2, len(piece.lines)), np.nan)
    good = np.ones(len(piece.lines), dtype=bool)
    texts = piece.cells.get(column)
    if texts is None:
        return found, second, good
    filled = [i for i, text in enumerate(texts) if text or column == "arrival"]
    stamps = cells.instants(
        [texts[i] for i in filled],
        piece.lines[filled],
        column,
        faults,
        zone=zone,
        ambiguous="error" if ambiguous == "error" else "split",
        ways="choose --ambiguous first, or ",
    )
    found[filled], second[filled] = stamps.first, stamps.second
    good[filled] = stamps.good
    return found, second, good


def _or_none(seconds: cells.Floats) -> list[float | None]:
    """The numbers, None for NaN."""
    missing = np.isnan(seconds)
    return [None if unknown else s for s, unknown in zip(seconds.tolist(), missing, strict=True)]


def _seconds(
    piece: Piece, column: str, what: str, faults: Faults
) -> tuple[cells.Floats, cells.Mask]:
    """Seconds of 0 or more, NaN where the cell is empty; and which cells are good."""
    found = np.full(len(piece.lines), np.nan)
    good = np.ones(len(piece.lines), dtype=bool)
    for i, text in enumerate(piece.cells.get(column, ())):
        if not text:
            continue
        found[i], remedy = cells.number(text)
        if not remedy and found[i] < 0:
            remedy = f"{what} cannot be negative; leave it empty where it is not known"
        if remedy:
            faults.add(int(piece.lines[i]), column, text, remedy)
            good[i] = False
    return found, good


def _fits(
    piece: Piece,
    handling: cells.Floats,
    stamps: list[cells.Floats],
    good: cells.Mask,
    faults: Faults,
) -> cells.Mask:
    """Which rows name no more work on a first reply than there was time for; others are told."""
    arrival, replied, _ = stamps
    with np.errstate(invalid="ignore"):
        # Stamps are whole seconds.
        right = ~(handling > replied - arrival + STAMP_S)
    for i in np.flatnonzero(~right & good).tolist():
        took = int(replied[i] - arrival[i])
        remedy = (
            f"the reply was sent {took} s after the arrival, so that no more than these went into "
            "it; name the active seconds until then, or leave it empty where it is not known"
        )
        faults.add(int(piece.lines[i]), "handling_s", piece.cells["handling_s"][i], remedy)
    return right


def _in_order(
    piece: Piece, stamps: list[cells.Floats], good: cells.Mask, faults: Faults
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
