"""Kept versions scored on what came, by how far ahead they looked. Pure.

Everything that came is scored, holidays, campaigns and spikes too: a version had to foresee them.
Only outages that a person has accepted are given as not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.grid import Bools, Floats, Ints, local_slots
from forecasting.scenarios.paths import Noise, paths_from
from forecasting.scoring.accuracy import STEPS, Score, Step, block_sums, score_table
from wfm.frames import QUANTILES
from wfm.timegrid import INTERVAL

# Sampled futures that the bands of hours and days are read from.
BAND_PATHS = 200

# Groups of leads by their first day, and how they are called. Stored scores tell them by the day.
LEAD_WORDS = {1: "1", 2: "2-7", 8: "8+"}


@dataclass(frozen=True, eq=False)
class ToScore:
    """One queue of a version and what came of it.

    table   FORECAST rows of the queue, by start
    naive   (rows,) the weekly naive as it was known, NaN where it was not
    came    (rows,) contacts, NaN where none are known
    scales  by step, what MASE is measured in
    noise   None where it was not kept: then hours and days have no bands
    """

    queue: str
    table: pd.DataFrame = field(repr=False)
    naive: Floats = field(repr=False)
    came: Floats = field(repr=False)
    scales: Mapping[Step, float | None]
    noise: Noise | None
    seed: int


# By which figure's weights a figure of many versions is the mean of each one's.
_BY_CONTACTS = ("wape", "bias", "pinball", "naive_wape", "naive_bias")
_BY_INTERVALS = ("mase", "coverage80", "coverage95", "naive_mase")


def pooled(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores of many versions as one line for each queue, step and group of leads.

    scores  as `forecasts.scores` gives them

    Columns: queue, step, lead_days, versions, intervals, contacts, and the figures, NaN where no
    version has them. Errors are those over all that came, as if it were one long forecast.
    """
    keys = ["queue", "step", "lead_days"]
    lines = []
    for key, rows in scores.groupby(keys, sort=False):
        line = dict(zip(keys, key, strict=True)) | {
            "versions": rows["forecast_id"].nunique(),
            "intervals": int(rows["intervals"].sum()),
            "contacts": float(rows["contacts"].sum()),
        }
        for weight, names in (("contacts", _BY_CONTACTS), ("intervals", _BY_INTERVALS)):
            line |= {name: _mean(rows[name], rows[weight]) for name in names}
        lines.append(line)
    columns = [*keys, "versions", "intervals", "contacts", *_BY_CONTACTS, *_BY_INTERVALS]
    table = pd.DataFrame(lines, columns=columns)
    order = {step: i for i, step in enumerate(STEPS)}
    return table.sort_values(
        ["queue", "lead_days", "step"],
        key=lambda column: column.map(order) if column.name == "step" else column,
        ignore_index=True,
    )


def _mean(values: pd.Series[float], weights: pd.Series[float]) -> float:
    known = values.notna() & (weights > 0)
    if not known.any():
        return float("nan")
    return float(np.average(values[known], weights=weights[known]))


def score_queue(one: ToScore, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Scores at every step by group of leads, as rows; no row where nothing of it came.

    Keys: queue, step, lead (first day of the group), intervals, the figures of `Score`, the naive's
    WAPE, bias and MASE with `naive_` before their names, and scored_until.
    """
    firsts = np.array(list(LEAD_WORDS))
    lead = firsts[np.searchsorted(firsts, leads_of(one, zone), side="right") - 1]
    futures = _futures(one)
    rows: list[dict[str, Any]] = []
    for first in np.unique(lead[np.isfinite(one.came)]):
        inside = lead == first
        bands = None if futures is None else _bands(one, futures, inside, zone)
        rows += _score_leads(one, inside, bands, zone, lead=int(first))
    return rows


def leads_of(one: ToScore, zone: ZoneInfo) -> Ints:
    """Days from the last local day that the version had seen to each row's, 1 and more."""
    local, _ = local_slots(pd.DatetimeIndex(one.table["start"]), zone)
    day = np.timedelta64(1, "D")
    seen = local.min() - day
    if one.noise is not None and one.queue in one.noise.last_day:
        seen = np.datetime64(one.noise.last_day[one.queue], "D")
    leads: Ints = np.maximum((local - seen).astype("int64"), 1)
    return leads


def _score_leads(
    one: ToScore, inside: Bools, bands: dict[Step, Floats] | None, zone: ZoneInfo, *, lead: int
) -> list[dict[str, Any]]:
    table = one.table[inside]
    came = one.came[inside]
    naive = one.naive[inside]
    scored = score_table(
        table,
        came,
        zone,
        naive=naive if np.isfinite(naive).all() else None,
        scales=one.scales,
        quantiles=bands,
    )
    starts = pd.DatetimeIndex(table["start"])
    until: datetime = starts[np.isfinite(came)].max().to_pydatetime() + INTERVAL
    return [
        {
            "queue": one.queue,
            "step": line.step,
            "lead": lead,
            "intervals": line.blocks,
            "contacts": float(np.nansum(block_sums(starts, came, zone, line.step))),
            **vars(line.own),
            **_beside(line.naive),
            "scored_until": until,
        }
        for line in scored
        if line.blocks
    ]


def _beside(naive: Score | None) -> dict[str, float | None]:
    names = ("wape", "bias", "mase")
    return {f"naive_{name}": None if naive is None else getattr(naive, name) for name in names}


def _futures(one: ToScore) -> Floats | None:
    """Sampled futures (paths, rows) of all rows, so that bands do not hang on how much has come."""
    if one.noise is None or one.queue not in one.noise.day_sd:
        return None
    alone = replace(one.noise, day_sd={one.queue: one.noise.day_sd[one.queue]})
    paths = paths_from(one.table, alone, count=BAND_PATHS, seed=one.seed)
    futures: Floats = paths.contacts[:, :, 0].astype(float)
    return futures


def _bands(one: ToScore, futures: Floats, inside: Bools, zone: ZoneInfo) -> dict[Step, Floats]:
    """Quantiles of the hours and days of some rows: of sums of sampled futures, never sums."""
    starts = pd.DatetimeIndex(one.table["start"][inside])
    levels = np.array(QUANTILES)
    return {
        step: np.quantile(block_sums(starts, futures[:, inside], zone, step), levels, axis=0).T
        for step in STEPS
        if step != "15min"
    }
