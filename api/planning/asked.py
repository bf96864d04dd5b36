"""What plans and forecasts are asked for alike: bounds that are told before any work, and ids."""

from __future__ import annotations

from datetime import date

from wfm.errors import RequestError

MAX_WEEKS = 8
MAX_SEED = 2**31 - 1
# Far enough from the ends of the calendar to reckon with.
YEARS = range(2000, 2100)

# An id of more digits than this is beyond what the store counts to.
_ID_DIGITS = 9


def check_weeks(what: str, weeks: int) -> None:
    if not 1 <= weeks <= MAX_WEEKS:
        raise RequestError(f"weeks is {weeks}; a {what} covers 1 to {MAX_WEEKS} weeks")


def check_seed(seed: int) -> None:
    if not 0 <= seed <= MAX_SEED:
        raise RequestError(f"seed is {seed}; it lies between 0 and {MAX_SEED:,}")


def check_start(what: str, start: date) -> None:
    if start.year not in YEARS:
        raise RequestError(
            f"the {what} starts on {start}; it must start between {YEARS[0]} and {YEARS[-1]}"
        )


def id_in(text: str) -> int | None:
    """The id that people wrote, None where it is none.

    >>> id_in("12"), id_in("latest")
    (12, None)
    """
    written = text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS
    return int(text) if written else None
