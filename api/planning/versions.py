"""From a computed forecast to the version that is kept of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecasting.forecast import WHOLE, ForecastResult
from forecasting.grid import fold
from forecasting.naive import last_week
from forecasting.scoring.accuracy import weekly_scales
from wfm.adjustments import Adjustment
from wfm.brands import Brand
from wfm.marks import Mark
from wfm.store.documents import to_document
from wfm.store.forecasts import Version
from wfm.timegrid import format_instant


def version_of(
    result: ForecastResult,
    volumes: pd.DataFrame,
    brand: Brand,
    *,
    only: Sequence[str] | None = None,
    marks: Sequence[Mark] = (),
    adjustments: Sequence[Adjustment] = (),
) -> Version:
    """What is kept of a forecast: its rows, what it is measured against, and how it was made.

    volumes      VOLUMES it was made from
    only         the models it was confined to, so that its choice binds no later one; None: all
    marks        those it obeyed
    adjustments  those that are in its rows
    """
    table = result.table.sort_values(["start", "queue"], ignore_index=True)
    naive = np.full(len(table), np.nan)
    scales: dict[str, Any] = {}
    for queue in dict.fromkeys(table["queue"]):
        rows = (table["queue"] == queue).to_numpy()
        starts = pd.DatetimeIndex(table["start"][rows])
        past = volumes[(volumes["queue"] == queue) & (volumes["start"] < starts[0])]
        naive[rows] = last_week(past, starts, brand.tz)
        counts = past["contacts"].to_numpy(dtype=float)
        scales[queue] = weekly_scales(fold(pd.DatetimeIndex(past["start"]), counts, brand.tz)[1])
    return Version(
        table=table,
        parts=result.parts,
        naive=naive.tolist(),
        inputs={
            "queues": list(scales),
            "models": dict(result.champions),
            "only": None if only is None else list(only),
            "scale": scales,
            "history_from": format_instant(volumes["start"].min().to_pydatetime()),
            "history_to": format_instant(volumes["start"].max().to_pydatetime()),
            "marks": [mark.mark_id for mark in marks if mark.queue in scales],
            "adjustments": to_document(tuple(adjustments)),
        },
        summary={
            "contacts": round(float(table["mean"].sum()), 1),
            "notes": list(result.notes),
            "aht": to_document(result.aht),
        },
        accuracy=to_document(result.accuracy),
        noise=result.noise.to_document() | {"calibrations": _calibrations(result, brand)},
    )


def _calibrations(result: ForecastResult, brand: Brand) -> dict[str, Any]:
    """By total, its calibration and the queues it is of: a brand's queues may change later."""
    return {
        key: {
            "queues": [one.name for one in brand.queues if key in (WHOLE, one.channel)],
            **calibration.to_document(),
        }
        for key, calibration in result.calibrations.items()
    }
