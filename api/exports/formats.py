"""The files a roster can be had as."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Format = Literal["ical", "xlsx", "csv"]
FORMATS: tuple[Format, ...] = ("ical", "xlsx", "csv")

MEDIA_TYPES: dict[Format, str] = {
    "ical": "text/calendar; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
ENDINGS: dict[Format, str] = {"ical": "ics", "xlsx": "xlsx", "csv": "csv"}


@dataclass(frozen=True)
class File:
    """An export with the name it is saved under."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
