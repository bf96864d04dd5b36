"""The product's engine alone, no challenger in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.conformal import LEVELS
from benchmarks.origins import Answer, Past


def ours(pasts: Sequence[Past], _seed: int) -> list[Answer]:
    """The product's engine alone, no challenger in it; all series and origins in one batch."""
    from forecasting.engine.blend import forecast_panel, stacked
    from forecasting.engine.intervals import widened
    from forecasting.events.holidays import holiday_effect, moved_by_holidays
    from forecasting.protocol import History
    from wfm.frames import QUANTILES

    countries = [() if p.series.country is None else (p.series.country,) for p in pasts]
    histories = []
    for past, markets in zip(pasts, countries, strict=True):
        apart = moved_by_holidays(past.days, past.counts, markets)
        known = np.repeat(apart[:, None], past.slots, axis=1)
        histories.append(History(past.series.name, past.days, past.counts, known))
    counts, known, trusted = stacked(histories)
    panel = forecast_panel(counts, known, max(len(past.ahead) for past in pasts), trusted)
    answers = []
    for i, (past, history) in enumerate(zip(pasts, histories, strict=True)):
        leads = np.arange(1, len(past.ahead) + 1)
        nothing = np.zeros(history.counts.shape, dtype=bool)
        effect = holiday_effect(history, past.ahead, countries[i], nothing)
        median, mean = (
            values[i, : len(leads)] * effect.factor for values in (panel.median, panel.mean)
        )
        quantiles = widened(
            panel.bands.of(i).around(median, leads), mean, np.broadcast_to(effect.sd, mean.shape)
        )
        answers.append(Answer(quantiles[..., [QUANTILES.index(q) for q in LEVELS]]))
    return answers
