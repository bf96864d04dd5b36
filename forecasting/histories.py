"""From the VOLUMES table to one queue's history, or a clear word on why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from forecasting.events.curves import moved_by_campaigns
from forecasting.events.holidays import moved_by_holidays
from forecasting.events.marks import mark_masks
from forecasting.grid import Bools, fold
from forecasting.protocol import History
from wfm.brands import Brand
from wfm.campaigns import Campaign
from wfm.errors import DataError
from wfm.marks import Mark

LEAST_DAYS = 14


def rows_of(volumes: pd.DataFrame, queue: str, before: datetime) -> pd.DataFrame:
    """The queue's rows that start before the instant; DataError when there are none."""
    rows = volumes[(volumes["queue"] == queue) & (volumes["start"] < before)]
    if rows.empty:
        raise DataError(
            f"queue {queue!r} has no volumes before {before:%Y-%m-%d %H:%M} UTC; import at least "
            f"{LEAST_DAYS} days with: wfm import volumes FILE --queue {queue}",
            queue=queue,
        )
    return rows


def history_of(
    rows: pd.DataFrame,
    brand: Brand,
    campaigns: Sequence[Campaign],
    queue: str,
    marks: Sequence[Mark] = (),
) -> tuple[History, Bools]:
    """The queue's history on local days, and where its counts teach nothing (days, 96).

    Nothing is learned, of ordinary days or of holidays, where campaigns were felt or where a person
    accepted a mark. Raises DataError when fewer than 14 local days hold any data.
    """
    counts = rows["contacts"].to_numpy(dtype=float)
    days, matrix = fold(pd.DatetimeIndex(rows["start"]), counts, brand.tz)
    seen = int(np.isfinite(matrix).any(axis=1).sum())
    if seen < LEAST_DAYS:
        raise DataError(
            f"queue {queue!r} has {seen} days of volumes ({days[0]} to {days[-1]}); a forecast "
            f"needs {LEAST_DAYS}: import older ones with: wfm import volumes FILE --queue {queue}",
            queue=queue,
            days=seen,
        )
    marked, trusted = mark_masks(marks, queue, days, brand.tz, matrix.shape[1])
    lost = marked | moved_by_campaigns(days, campaigns, queue, brand.tz, matrix.shape[1])
    countries = brand.countries_of(brand.queue(queue))
    known = lost | moved_by_holidays(days, matrix, countries)[:, None]
    if not np.isfinite(np.where(known, np.nan, matrix)).any():
        raise DataError(
            f"queue {queue!r}: campaigns, holidays and marks cover all of its volumes, so its "
            "ordinary days cannot be learned; import older volumes, correct the campaigns' dates "
            "or reject a mark",
            queue=queue,
        )
    return History(queue, days, matrix, known, trusted if trusted.any() else None), lost
