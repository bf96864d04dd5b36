"""Counts over any step as counts over quarter-hours: added up, spread, thinned or multiplied."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wfm.ingest.spool import Rows
from wfm.timegrid import INTERVAL_S

Ints = NDArray[np.int64]
DAY_S = 86_400


@dataclass(frozen=True)
class Quarters:
    """Quarter-hours of one queue, sorted.

    start       seconds since 1970
    aht_s       mean handling time, rounded to the millisecond; NaN where unknown
    line, file  where the first of the rows behind each stands
    spread      whether they are parts of counts over a longer step
    """

    start: Ints
    contacts: Ints
    aht_s: NDArray[np.float64]
    line: Ints
    file: Ints
    spread: bool


def gather(rows: Rows, step_s: int) -> Quarters:
    """Rows of one queue on the grid of `step_s`, sorted and distinct, as quarter-hours.

    A finer step is added up, handling times averaged by count, and a quarter-hour that lacks one of
    its steps is left out. A coarser step is spread in whole counts that add up again.
    """
    start, contacts = rows["start"], rows["contacts"].astype(np.int64)
    aht_s, line, file = rows["aht_s"], rows["line"], rows["file"].astype(np.int64)
    if step_s > INTERVAL_S:
        parts = step_s // INTERVAL_S
        k = np.tile(np.arange(parts), len(rows))
        start, contacts = np.repeat(start, parts), np.repeat(contacts, parts)
        # The remainder goes to another quarter each hour and each day, so that small counts
        # gather at no place of the hour.
        turned = (k + start // step_s + start // DAY_S) % parts
        contacts = (turned + 1) * contacts // parts - turned * contacts // parts
        start = start + k * INTERVAL_S
        aht_s, line, file = (np.repeat(a, parts) for a in (aht_s, line, file))
    elif step_s < INTERVAL_S:
        quarter = start - start % INTERVAL_S
        begins = np.flatnonzero(np.diff(quarter, prepend=quarter[:1] - 1))
        whole = np.diff(np.append(begins, len(rows))) == INTERVAL_S // step_s
        timed = np.where(np.isnan(aht_s), 0, contacts)
        worked = timed * np.nan_to_num(aht_s)
        total = np.add.reduceat(timed, begins)[whole]
        worked = np.add.reduceat(worked, begins)[whole]
        contacts = np.add.reduceat(contacts, begins)[whole]
        aht_s = np.divide(worked, total, out=np.full(len(total), np.nan), where=total > 0)
        start, line, file = quarter[begins][whole], line[begins][whole], file[begins][whole]
    return _tidy(Quarters(start, contacts, aht_s, line, file, step_s > INTERVAL_S))


def scaled(quarters: Quarters, factor: float, *, seed: int, queue: str) -> Quarters:
    """Every contact kept, or repeated, so that the expected count is `factor` times as large.

    Each count becomes the whole part of the factor times as many, plus a binomial draw with the
    rest. (seed, queue, start) decides the draw, whatever else is in the file.
    """
    whole, rest = divmod(factor, 1.0)
    digest = hashlib.blake2b(f"{seed} {queue}".encode(), digest_size=8).digest()
    key = int.from_bytes(digest, "little")
    contacts = quarters.contacts * int(whole)
    if rest > 0:
        for i in np.flatnonzero(quarters.contacts):
            bits = np.random.Philox(key=np.array([key, quarters.start[i]], dtype=np.uint64))
            contacts[i] += np.random.Generator(bits).binomial(quarters.contacts[i], rest)
    return _tidy(replace(quarters, contacts=contacts))


def _tidy(quarters: Quarters) -> Quarters:
    """No handling time where there is no contact."""
    aht_s = np.where(quarters.contacts > 0, np.round(quarters.aht_s, 3), np.nan)
    return replace(quarters, aht_s=aht_s)
