"""The product's own forecaster: a blend of cheap experts, corrected, with conformal quantiles.

    clean -> experts (weekly profiles) -> near-flat blend -> corrections -> conformal bands

Every expert's state before a week is a forecast of that week which has not seen it, so that
blending weights, corrections and bands are learned from free rolling origins. All of it runs over
many series at once; a back-test is the same call with each origin as a series of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from forecasting.engine.blocks import WEEK, gaussian, smooth, to_days, to_weeks
from forecasting.engine.clean import Cleaned, clean
from forecasting.engine.correct import corrections
from forecasting.engine.experts import log_profiles, open_slots, weeks_seen
from forecasting.engine.intervals import LEAD_GROUPS, MEDIAN, MEMORY_DAYS, Bands, Misses, learn
from forecasting.grid import Bools, Days, Floats, Ints
from forecasting.protocol import Cost, History, Prediction

# What lies further back than half a year teaches nothing here.
MOST_WEEKS = 26
# An expert is judged from the second week it has seen on, where there are as many.
JUDGED_WEEKS = 2
# Half-life of an expert's error, weeks, and how sharply a larger error lowers its weight. Flat
# weights beat sharp ones: the experts are much alike.
ERROR_HALF_LIFE_WEEKS = 4.0
SHARPNESS = 20.0
# The mean's ratio to the median is smoothed over hours, and worth nothing on fewer contacts.
RATIO_HALF_LIFE_WEEKS = 20.0
RATIO_SMOOTHING_H = 1.0
RATIO_CONTACTS = 20.0
# Series computed together: enough to make the loops cheap, few enough to stay in the cache.
BATCH = 8


@dataclass(frozen=True, eq=False)
class Free:
    """What the engine would have said of each past day, one array for each group of leads.

    medians  each (series, days, slots): the night before, two to seven days before, a second week,
             longer; NaN where there was nothing to go by yet
    ratio    (series, days, slots) the mean over the median there
    actual   what came, NaN where it is not to be scored (unknown, an event, an outage, too early,
             or of a slot that no earlier week had shown)
    """

    medians: tuple[Floats, ...]
    ratio: Floats
    actual: Floats

    @property
    def tomorrow(self) -> Floats:
        """Each past day as it was forecast the night before."""
        return self.medians[0]


@dataclass(frozen=True, eq=False)
class PanelForecast:
    """A forecast of many series, (series, days ahead, slots).

    median      what half of the counts exceed, before rounding of small ones
    mean        what workload is made of
    correction  the part of `mean` that the last days' level, shape and hours made
    bands       quantiles around `median`
    free        the same for the past
    """

    median: Floats
    mean: Floats
    correction: Floats
    bands: Bands
    free: Free

    def quantiles(self) -> Floats:
        """(series, days ahead, slots, quantiles)."""
        return self.bands.around(self.median, np.arange(1, self.median.shape[1] + 1))


def _ready(calm: Floats) -> Bools:
    """Weeks whose profile had enough to go by, (series, weeks)."""
    seen = weeks_seen(calm)
    # With two weeks of history the first of them must do.
    ready: Bools = seen[:, :-1] >= np.minimum(JUDGED_WEEKS, np.maximum(seen[:, -2:-1], 1))
    return ready


def _shown_before(calm: Floats) -> Bools:
    """Slots that any day of an earlier week had shown, (series, weeks, 1, slots).

    Counts that once came by the hour and now come by the quarter say nothing of the other quarters:
    what is told of their first week is not to be judged.
    """
    slots = np.asarray(np.isfinite(calm).any(axis=2))
    before = np.zeros_like(slots)
    before[:, 1:] = np.logical_or.accumulate(slots[:, :-1], axis=1)
    return np.asarray(before[:, :, None])


def _blend(logs: Floats, counts: Floats) -> Floats:
    """The experts' log profiles averaged by how they did lately, (series, weeks + 1, 7, slots).

    logs    to learn from; counts: to judge by, NaN where there was nothing to go by
    """
    weeks = counts.shape[1]
    age = np.arange(weeks)[::-1]
    recency = 0.5 ** (age / ERROR_HALF_LIFE_WEEKS)
    profiles, errors = [], []
    for profile in log_profiles(logs, open_slots(logs)):
        miss = np.abs(np.maximum(np.expm1(profile[:, :weeks]), 0.0) - counts)
        errors.append((np.nansum(miss, axis=(2, 3)) * recency).sum(axis=1))
        profiles.append(profile)
    error = np.array(errors)
    best = np.maximum(error.min(axis=0), 1e-9)
    weight = np.exp(-SHARPNESS * np.minimum(error / best - 1.0, 1.0))
    weight /= weight.sum(axis=0)
    blended = np.zeros_like(profiles[0])
    for share, profile in zip(weight, profiles, strict=True):
        blended += share[:, None, None, None] * profile
    return blended


def _mean_ratio(capped: Floats, free: Floats) -> Floats:
    """Mean over median by weekday and slot, (series, 7, slots): what came over what was told.

    What was told is brought to each day's own level first, so that a level which the profile had
    yet to learn is not taken for a mean far above the median.
    """
    weeks = capped.shape[1]
    seen = np.isfinite(capped)
    fade = 0.5 ** (np.arange(weeks)[::-1] / RATIO_HALF_LIFE_WEEKS)[None, :, None, None]
    share = np.where(seen, free, 0.0)
    came = np.where(seen, capped, 0.0)
    miss = np.where(seen, np.log1p(came) - np.log1p(free), 0.0)
    level = (share * miss).sum(axis=3) / np.maximum(share.sum(axis=3), 1e-9)
    told = (fade * share * np.exp(np.clip(level, -1.5, 1.5))[..., None]).sum(axis=1)
    came = (fade * came).sum(axis=1)
    whole = came.sum(axis=(1, 2)) / np.maximum(told.sum(axis=(1, 2)), 1e-9)
    whole = np.where(told.sum(axis=(1, 2)) > 0, whole, 1.0)[:, None, None]
    # Summed over the hours around, so that contacts are counted, not averaged.
    per_hour = capped.shape[-1] / 24
    taps = gaussian(RATIO_SMOOTHING_H * per_hour)
    taps = taps / taps.max()
    return (smooth(came, taps) + RATIO_CONTACTS * whole) / (smooth(told, taps) + RATIO_CONTACTS)


def _repeated(week: Floats, days: int) -> Floats:
    """A week (series, 7, slots) repeated over the coming `days`."""
    return week[:, np.arange(days) % WEEK]


def _lagged(profile: Floats, days: int, weeks: int) -> Floats:
    """Each past day as the profile of `weeks` weeks earlier had it; NaN where there was none."""
    lagged = np.full_like(profile, np.nan)
    if weeks < profile.shape[1]:
        lagged[:, weeks:] = profile[:, : profile.shape[1] - weeks]
    return to_days(lagged, days)


def _bands(free: Free) -> Bands:
    days = free.actual.shape[1]
    weight = 0.5 ** ((days - 1 - np.arange(days)) / MEMORY_DAYS)[None, :, None]
    weights = np.broadcast_to(weight, free.actual.shape)
    groups = []
    for median in free.medians:
        known = np.isfinite(median)
        cells = (np.where(known, median, 0.0), np.where(known, free.actual, np.nan), weights)
        groups.append(Misses(*(values.reshape(len(median), -1) for values in cells)))
    return learn(groups)


def _forecast(cleaned: Cleaned, counts: Floats, days_ahead: int) -> PanelForecast:
    days = counts.shape[1]
    calm = to_weeks(cleaned.calm, np.nan)
    ready = _ready(calm)[:, :, None, None]
    told = ready & _shown_before(calm)
    judged = np.where(told, calm, np.nan)
    profile = np.maximum(np.expm1(_blend(np.log1p(calm), judged)), 0.0)
    known = np.where(ready, profile[:, :-1], np.nan)
    past = _lagged(known, days, 0)
    ahead = _repeated(profile[:, -1], days_ahead)
    corrected = corrections(np.nan_to_num(past), to_days(judged, days), ahead)
    capped = to_weeks(cleaned.capped, np.nan)
    ratio = _mean_ratio(np.where(told, capped, np.nan), profile[:, :-1])
    base = ahead * _repeated(ratio, days_ahead)
    free = Free(
        medians=(
            corrected.tomorrow,
            corrected.later,
            *(_lagged(known, days, (first - 1) // WEEK) for first in LEAD_GROUPS[2:]),
        ),
        # Backwards from the last day, which is a week's last.
        ratio=ratio[:, np.arange(-days, 0) % WEEK],
        actual=np.where(np.isfinite(to_days(judged, days)), counts, np.nan),
    )
    return PanelForecast(
        median=ahead * corrected.ahead,
        mean=base * corrected.ahead,
        correction=base * (corrected.ahead - 1.0),
        bands=_bands(free),
        free=free,
    )


def forecast_panels(
    counts: Floats, known: Bools, days_ahead: int, trusted: Bools | None = None
) -> Iterator[PanelForecast]:
    """`forecast_panel` in batches of `BATCH` series, in order: memory stays small."""
    for first in range(0, len(counts), BATCH):
        part = slice(first, first + BATCH)
        kept = slice(max(0, counts.shape[1] - MOST_WEEKS * WEEK), None)
        cleaned = clean(
            counts[part, kept],
            known[part, kept],
            None if trusted is None else trusted[part, kept],
        )
        yield _forecast(cleaned, counts[part, kept], days_ahead)


def forecast_panel(
    counts: Floats, known: Bools, days_ahead: int, trusted: Bools | None = None
) -> PanelForecast:
    """Forecast the `days_ahead` local days that follow the last of many series.

    counts   (series, days, slots) on consecutive local days; NaN is missing, never zero. A series
             that begins later than others is padded with NaN in front
    known    the same shape: where a holiday, a campaign or a marked outage moved the count
    trusted  counts that are normal whatever they look like

    Any number of slots a day. Looks at the last 26 weeks. Never NaN: a slot that was never seen is
    forecast as nothing.
    """
    found = list(forecast_panels(counts, known, days_ahead, trusted))
    return found[0] if len(found) == 1 else _joined(found)


def _joined(parts: list[PanelForecast]) -> PanelForecast:
    def joined(of: Callable[[PanelForecast], Floats]) -> Floats:
        return np.concatenate([of(one) for one in parts])

    return PanelForecast(
        median=joined(lambda f: f.median),
        mean=joined(lambda f: f.mean),
        correction=joined(lambda f: f.correction),
        bands=Bands(
            joined(lambda f: f.bands.dispersion),
            joined(lambda f: f.bands.centres),
            joined(lambda f: f.bands.misses),
        ),
        free=Free(
            tuple(
                np.concatenate([f.free.medians[g] for f in parts]) for g in range(len(LEAD_GROUPS))
            ),
            joined(lambda f: f.free.ratio),
            joined(lambda f: f.free.actual),
        ),
    )


def stacked(histories: list[History]) -> tuple[Floats, Bools, Bools]:
    """Counts, known and trusted of histories that end where they end, padded in front."""
    days = min(max(len(h) for h in histories), MOST_WEEKS * WEEK)
    slots = histories[0].counts.shape[1]
    counts = np.full((len(histories), days, slots), np.nan)
    known, trusted = (np.zeros(counts.shape, dtype=bool) for _ in range(2))
    for i, history in enumerate(histories):
        recent = history.since(len(history) - days)
        at = slice(days - len(recent), None)
        counts[i, at], known[i, at] = recent.counts, recent.known
        if recent.trusted is not None:
            trusted[i, at] = recent.trusted
    return counts, known, trusted


@dataclass(frozen=True)
class Blend:
    """The engine behind the protocol of all forecasters."""

    name: str = "blend"
    cost: Cost = "cheap"

    def refusal(self, history: History) -> str | None:
        return None

    def predict(self, history: History, days: Days) -> Prediction:
        lead = (days - history.days[-1]).astype("int64") - 1
        found = self._ahead([history], int(lead.max()) + 1)
        return Prediction(found.median[0, lead], found.mean[0, lead])

    def roll(self, history: History, origins: Ints, horizon: int) -> Prediction:
        """All origins at once, each a series of its own that ends before its origin."""
        return self._ahead([history.until(int(origin)) for origin in origins], horizon)

    def _ahead(self, histories: list[History], days_ahead: int) -> Prediction:
        counts, known, trusted = stacked(histories)
        found = forecast_panel(counts, known, days_ahead, trusted)
        quantiles = found.quantiles()
        # Where few contacts come, the median of the counts is a whole number.
        return Prediction(quantiles[..., MEDIAN], found.mean, quantiles)
