"""A step of the forecast taken apart, as the page shows it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from api.planning.parts import Known, Part, Stretch, parts_of
from forecasting.scoring.accuracy import Step
from wfm.frames import QUANTILE_COLUMNS


@dataclass(frozen=True)
class Why:
    """A step of the forecast: parts that add up to its mean, quantiles and handling time.

    quantiles  q025 to q975, contacts
    aht_s      of the contacts of the step, weighed by them
    """

    start: datetime
    step: Step
    mean: float
    parts: tuple[Part, ...]
    quantiles: Mapping[str, float]
    aht_s: float
    models: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Basis:
    """The tables that hold the step.

    table, parts  FORECAST and PARTS with adjustments in force
    model         FORECAST without them: the difference is what planners have changed
    bands         quantiles by step, indexed by start
    """

    table: pd.DataFrame
    parts: pd.DataFrame
    model: pd.DataFrame
    bands: pd.DataFrame


def explain(basis: Basis, known: Known, stretch: Stretch, queues: Collection[str]) -> Why | None:
    """The step in its parts; None where the forecast does not hold it."""

    def cut(whole: pd.DataFrame) -> pd.DataFrame:
        inside = (whole["start"] >= stretch.start) & (whole["start"] < stretch.end)
        return whole[inside & whole["queue"].isin(list(queues))]

    own = cut(basis.table)
    bands = basis.bands[basis.bands.index == stretch.start]
    if own.empty or bands.empty:
        return None
    weights, aht = own["mean"].to_numpy(float), own["aht_s"].to_numpy(float)
    return Why(
        start=stretch.start,
        step=stretch.step,
        mean=float(own["mean"].sum()),
        parts=parts_of(own, cut(basis.parts), cut(basis.model), known, stretch),
        quantiles={name: float(bands[name].iloc[0]) for name in QUANTILE_COLUMNS},
        aht_s=float(np.average(aht, weights=weights) if weights.sum() > 0 else aht.mean()),
        models=tuple(sorted(set(own["model"]))),
    )
