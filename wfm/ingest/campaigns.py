"""Campaigns in: one row each, every fault at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import cast

from wfm.brands import Brand
from wfm.campaigns import CATEGORIES, Campaign, Category
from wfm.ingest import cells
from wfm.ingest.compare import Found
from wfm.ingest.faults import Faults, choose, unknown
from wfm.ingest.keyed import Kind, import_keyed
from wfm.ingest.report import ImportReport
from wfm.ingest.tables import Column, Piece
from wfm.progress import Progress, silent
from wfm.store.brands import load_brand
from wfm.store.campaigns import load_campaigns, save_campaigns
from wfm.store.engine import Store

COLUMNS = (
    Column("name"),
    Column("start"),
    Column("end"),
    *(
        Column(name, required=False)
        for name in (
            "queues",
            "channels",
            "category",
            "reach",
            "peak_uplift",
            "rise_min",
            "half_life_min",
        )
    ),
)
LONGEST = 200
KIND = Kind[Campaign](
    "campaigns", COLUMNS, "name", load_campaigns, save_campaigns, lambda item: item.name
)


def import_campaigns(
    store: Store,
    path: Path,
    *,
    actor: str,
    replace: bool = False,
    skip_bad: bool = False,
    progress: Progress = silent,
) -> ImportReport:
    """Take campaigns into the store; all of them or none.

    The same file again changes nothing; a campaign that differs needs `replace`. Raises FileFaults,
    RequestError for a file that cannot be read, NotFound without a brand.
    """
    with store.reading() as connection:
        brand = load_brand(connection)
    return import_keyed(
        store,
        path,
        KIND,
        partial(_campaigns, brand),
        actor=actor,
        replace=replace,
        skip_bad=skip_bad,
        progress=progress,
    )


def _campaigns(brand: Brand, pieces: Iterable[Piece], faults: Faults) -> list[Found[str, Campaign]]:
    """The campaigns whose row is good."""
    lines: dict[str, int] = {}
    return [found for piece in pieces for found in _of_piece(brand, piece, lines, faults)]


def _of_piece(
    brand: Brand, piece: Piece, lines: dict[str, int], faults: Faults
) -> list[Found[str, Campaign]]:
    starts, ends = (
        cells.instants(piece.cells[column], piece.lines, column, faults, zone=brand.zone, ways="")
        for column in ("start", "end")
    )
    found: list[Found[str, Campaign]] = []
    for i, name in enumerate(piece.cells["name"]):
        line = int(piece.lines[i])
        row = {column: texts[i] for column, texts in piece.cells.items()}
        before = faults.total
        if not name or len(name) > LONGEST:
            faults.add(line, "name", name, f"want a name of up to {LONGEST} characters")
        elif name in lines:
            faults.add(line, "name", name, f"stands on line {lines[name]} already; keep one")
        lines.setdefault(name, line)
        if starts.good[i] and ends.good[i] and ends.first[i] <= starts.first[i]:
            faults.add(
                line, "end", row["end"], f"the campaign ends before it starts ({row['start']})"
            )
        reached = _reached(brand, row, line, faults)
        category = row.get("category") or "campaign"
        if category not in CATEGORIES:
            faults.add(line, "category", category, choose(category, CATEGORIES))
        reach = _number(row, "reach", 0.0, line, faults)
        if reach % 1:
            faults.add(line, "reach", row["reach"], "people are counted whole")
        uplift = _number(row, "peak_uplift", -1.0, line, faults)
        rise_min = _number(row, "rise_min", Campaign.rise_min, line, faults)
        half_life_min = _number(row, "half_life_min", Campaign.half_life_min, line, faults)
        if half_life_min == 0:
            faults.add(line, "half_life_min", row["half_life_min"], "want a number above 0")
        if faults.total == before and starts.good[i] and ends.good[i]:
            campaign = Campaign(
                name,
                datetime.fromtimestamp(int(starts.first[i]), UTC),
                datetime.fromtimestamp(int(ends.first[i]), UTC),
                reached,
                cast(Category, category),
                int(reach),
                None if uplift < 0 else uplift,
                rise_min,
                half_life_min,
            )
            found.append(Found(name, campaign, line))
    return found


def _reached(brand: Brand, row: dict[str, str], line: int, faults: Faults) -> tuple[str, ...]:
    """The queues named and those on the channels named, as named first; all when neither is."""
    queues = [queue.name for queue in brand.queues]
    channels = sorted({queue.channel for queue in brand.queues})
    named, through = (
        [part.strip() for part in row.get(column, "").split(";") if part.strip()]
        for column in ("queues", "channels")
    )
    for queue in named:
        if queue not in queues:
            faults.add(line, "queues", queue, unknown("queue", queue, queues))
    for channel in through:
        if channel not in channels:
            remedy = f"the brand has no queue on that channel; {choose(channel, channels)}"
            faults.add(line, "channels", channel, remedy)
    if not named and not through:
        return tuple(queues)
    chosen = [queue.name for queue in brand.queues if queue.channel in through]
    return tuple(dict.fromkeys([*named, *chosen]))


def _number(row: dict[str, str], column: str, default: float, line: int, faults: Faults) -> float:
    """A number of 0 or more, or the default where the cell is empty."""
    text = row.get(column, "")
    if not text:
        return default
    value, remedy = cells.number(text)
    if not remedy and value < 0:
        remedy = "want a number of 0 or more"
    if remedy:
        faults.add(line, column, text, remedy)
        return max(default, 1.0)
    return value
