"""Rolling-origin back-test of a queue's models at every step, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta

import pandas as pd

from forecasting.histories import history_of, rows_of
from forecasting.models import forecasters
from forecasting.scoring.accuracy import WEEK_DAYS, Accuracy, Score
from forecasting.scoring.champion import NAIVE, accuracy_of, choose, try_model
from wfm.brands import Brand
from wfm.campaigns import Campaign
from wfm.errors import RequestError
from wfm.frames import VOLUMES
from wfm.progress import Progress, part, silent

HORIZONS = (1, WEEK_DAYS)
COLUMNS = ("model", "horizon_days", "step", "origins", "champion", "relative_wape", "seconds")


def backtest(
    volumes: pd.DataFrame,
    brand: Brand,
    campaigns: Sequence[Campaign],
    *,
    queue: str,
    models: Sequence[str] | None = None,
    origins: int | None = None,
    seed: int,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Scores of the models on the queue: one row for each model, horizon and step.

    origins  rolling origins for every model; without, 12 for cheap models and 4 for challengers

    Columns

        model          its name; the weekly naive comes first
        horizon_days   1 or 7: how many days of each origin are scored
        step           "15min", "hour" or "day": what is scored, see `Accuracy`
        origins        rolling origins it rests on
        champion       whether it would make the forecast
        relative_wape  WAPE over the weekly naive's at the same origins
        seconds        what the model cost
        wape, bias, mase, pinball, coverage80, coverage95  see `Score`
        naive_wape     the weekly naive's WAPE at the same origins

    A model that refuses the history has no row. Figures that are not defined are NaN. Raises
    NotFound for an unknown queue, DataError for one with too little data.
    """
    if origins is not None and origins < 1:
        raise RequestError(f"a back-test from {origins} origins says nothing; ask for 1 or more")
    brand.queue(queue)
    volumes = VOLUMES.check(volumes)
    end = (volumes["start"].max() + timedelta(days=1)).to_pydatetime() if len(volumes) else None
    if end is None:
        raise RequestError("there are no volumes at all; import some: wfm import volumes FILE")
    history, _ = history_of(rows_of(volumes, queue, end), brand, campaigns, queue)
    names = [model.name for model in forecasters(models, seed=seed)]
    running = forecasters([NAIVE, *(name for name in names if name != NAIVE)], seed=seed)
    trials = []
    for i, model in enumerate(running):
        share = part(progress, i / len(running), (i + 1) / len(running))
        trial = try_model(model, history, origins=origins, progress=share)
        if trial is not None:
            trials.append(trial)
    champion = choose(trials)
    lines = [
        line
        for trial in trials
        for horizon in HORIZONS
        for line in accuracy_of(
            trial, trials[0], history, champion=trial.model == champion, horizon_days=horizon
        )
    ]
    progress(1.0, f"back-test of {queue} done")
    return pd.DataFrame([_row(line) for line in lines])


def _row(line: Accuracy) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(line, name) for name in COLUMNS}
    for one in fields(Score):
        row[one.name] = getattr(line, one.name)
    row["naive_wape"] = line.naive.wape
    return {name: float("nan") if value is None else value for name, value in row.items()}
