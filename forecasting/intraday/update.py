"""The rest of today, updated from what today has shown.

How far a busy morning carries over is learned, never assumed (`forecasting.intraday.carryover`),
and an update is applied only as far as it would have helped on past days it had not learned from. A
running spike is passed over by that update, and its excess is put on top as past spikes died away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecasting.engine.intervals import FEW, LEAD_GROUPS, MEDIAN, Bands, learn_bands
from forecasting.grid import SLOTS, Floats
from forecasting.intraday.carryover import Carried, carry_over
from forecasting.intraday.lessons import MAX_LOG, PARTS, Lesson, lesson_of
from forecasting.intraday.ratios import (
    LEADS,
    Scale,
    lead_edges,
    lead_of,
    over_leads,
    running_sums,
    shown,
)
from forecasting.intraday.spikes import (
    BELIEVED_H,
    Decay,
    Spike,
    expected_end_h,
    learn_decay,
    running,
    with_spike,
)
from forecasting.protocol import History, Prediction
from wfm.errors import RequestError
from wfm.frames import QUANTILES

# Hours between the moments that bands are learned from, and days that make them half trusted.
BAND_STEP_H = 3
BAND_DAYS = 42.0
# An update makes no quantile more than so many times larger or smaller beside the mean.
MAX_WIDTH = 2.0
# A change below this is no news.
TOLD = 0.005


@dataclass(frozen=True, eq=False)
class Outlook:
    """A queue's forecast as it stood this morning: yesterday, today and tomorrow, (3, slots).

    Yesterday's is what had been forecast for it, NaN where that is not known.

    quantiles  (3, slots, quantiles)
    """

    mean: Floats
    median: Floats
    quantiles: Floats


@dataclass(frozen=True, eq=False)
class QueueModel:
    """What a queue's past days taught.

    betas   (parts of the day, leads, windows) how much of what was seen carries over, 0 to 1
    shares  (leads,) how much of the update is applied
    before, after  bands of the forecast as it was and of the updated one, by lead; () without
    days    days of the back-test
    """

    scale: Scale
    betas: Floats
    shares: Floats
    before: tuple[Bands, ...] = ()
    after: tuple[Bands, ...] = ()
    days: int = 0

    def to_document(self) -> dict[str, Any]:
        return {
            "spread": self.scale.spread,
            "level": self.scale.level,
            "betas": self.betas.tolist(),
            "shares": self.shares.tolist(),
            "before": [_band_document(bands) for bands in self.before],
            "after": [_band_document(bands) for bands in self.after],
            "days": self.days,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> QueueModel:
        return cls(
            scale=Scale(document["spread"], document["level"]),
            betas=np.array(document["betas"]),
            shares=np.array(document["shares"]),
            before=tuple(_bands_from(one) for one in document["before"]),
            after=tuple(_bands_from(one) for one in document["after"]),
            days=int(document["days"]),
        )


@dataclass(frozen=True, eq=False)
class Intraday:
    """The learned update of every queue, and how spikes die away.

    slots  of a day; counts and forecasts must come in days of as many
    """

    slots: int
    queues: Mapping[str, QueueModel]
    decay: Decay

    def to_document(self) -> dict[str, Any]:
        """The model as JSON holds it."""
        return {
            "slots": self.slots,
            "queues": {name: model.to_document() for name, model in self.queues.items()},
            "decay": self.decay.to_document(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Intraday:
        return cls(
            slots=int(document["slots"]),
            queues={k: QueueModel.from_document(v) for k, v in document["queues"].items()},
            decay=Decay.from_document(document["decay"]),
        )


@dataclass(frozen=True, eq=False)
class Reforecast:
    """A queue's updated forecast; today and tomorrow, (2, slots).

    What has passed, and what lies more than 24 hours ahead, stays as it was.

    factor    updated mean over the mean before, 1 where nothing changed
    seen      contacts counted so far today; expected: forecast for the same slots
    spike     the spike that is running, or None
    reason    why, in a sentence for planners
    """

    mean: Floats
    median: Floats
    quantiles: Floats
    factor: Floats
    seen: float
    expected: float
    spike: Spike | None
    reason: str


def _band_document(bands: Bands) -> dict[str, Any]:
    return {
        "dispersion": float(bands.dispersion[0]),
        "centres": bands.centres[0, 0].tolist(),
        "misses": bands.misses[0, 0].tolist(),
    }


def _bands_from(document: Mapping[str, Any]) -> Bands:
    groups = len(LEAD_GROUPS)
    return Bands(
        np.array([float(document["dispersion"])]),
        np.repeat(np.array(document["centres"])[None, None], groups, axis=1),
        np.repeat(np.array(document["misses"])[None, None], groups, axis=1),
    )


# -- learning -----------------------------------------------------------------------------------


def learn_intraday(
    histories: Sequence[History],
    forecasts: Sequence[Prediction],
    *,
    decay: Decay | None = None,
) -> Intraday:
    """Learn from past days how today's counts change the forecast of the coming hours.

    histories  one a queue, all of as many slots a day, ending with yesterday
    forecasts  what had been said each morning of that day and the next, as `day_ahead` gives it
    decay      how spikes die away; learned from the same histories without

    A queue whose past is too short to show a gain gets a model that changes nothing. Raises
    RequestError when histories and forecasts do not belong together.
    """
    slots = _slots_of(histories, forecasts)
    lessons = [
        lesson
        for history, forecast in zip(histories, forecasts, strict=True)
        if (lesson := lesson_of(history, forecast)) is not None
    ]
    carried = carry_over(lessons, slots) if lessons else []
    learned = {
        lesson.queue: _queue_model(lesson, one, slots)
        for lesson, one in zip(lessons, carried, strict=True)
    }
    if decay is None:
        decay = learn_decay([one for lesson in lessons for one in lesson.past])
    return Intraday(slots, learned, decay)


def _slots_of(histories: Sequence[History], forecasts: Sequence[Prediction]) -> int:
    if len(histories) != len(forecasts):
        raise RequestError(
            f"{len(histories)} histories with {len(forecasts)} forecasts; give one of each a queue"
        )
    slots = int(histories[0].counts.shape[1]) if histories else SLOTS
    for history, forecast in zip(histories, forecasts, strict=True):
        wanted = (len(history), 2, slots)
        if forecast.mean.shape != wanted or forecast.median.shape != wanted:
            raise RequestError(
                f"queue {history.queue!r}: day-ahead forecasts of shape {forecast.mean.shape} for "
                f"{len(history)} days; they must be {wanted}: each day and the next, {slots} slots"
            )
    return slots


def _queue_model(lesson: Lesson, carried: Carried, slots: int) -> QueueModel:
    """The queue's model with bands from the back-test, by lead, before and after the update."""
    updates = carried.updates
    model = QueueModel(lesson.scale, carried.betas, carried.shares)
    tried = np.isfinite(updates).all(axis=(1, 2))
    moments = slice(None, None, BAND_STEP_H)
    counts = lesson.counts[tried][:, moments]
    mean = lesson.mean[tried][:, moments]
    factor = np.exp(np.clip(updates[tried][:, moments], -MAX_LOG, MAX_LOG))
    ages = (lesson.day[-1] - lesson.day[tried]).astype(float)
    edges, days = lead_edges(slots), int(tried.sum())
    before, after = [], []
    for lead in range(LEADS):
        block = slice(edges[lead], edges[lead + 1])
        seen, said = counts[..., block], mean[..., block]
        size = (seen.shape[0] * seen.shape[1], 1, seen.shape[2])
        age = np.repeat(ages, seen.shape[1])[:, None]
        changed = said * factor[..., lead, None]
        pair = [learn_bands(x.reshape(size), seen.reshape(size), age) for x in (said, changed)]
        if pair[0] is None or pair[1] is None:
            return replace(model, days=days)
        before.append(pair[0])
        after.append(pair[1])
    return replace(model, before=tuple(before), after=tuple(after), days=days)


# -- updating -----------------------------------------------------------------------------------


def reforecast(model: Intraday, queue: str, counts: Floats, base: Outlook, now: int) -> Reforecast:
    """The queue's forecast of the next 24 hours, updated from what was counted until now.

    counts  (2, slots) yesterday and today; NaN where not known, and not looked at from `now` on
    base    what had been forecast for yesterday, today and tomorrow
    now     the first slot of today that has not ended yet, 0 to slots

    A queue the model does not know is left as it was, with the reason. Raises RequestError when
    the shapes do not fit the model.
    """
    slots = model.slots
    _check(slots, counts, base, now)
    seen = counts.copy()
    seen[1, now:] = np.nan
    known = np.isfinite(seen[1]) & np.isfinite(base.mean[1])
    came, planned = float(seen[1, known].sum()), float(base.mean[1, known].sum())
    learned = model.queues.get(queue)
    if learned is None:
        return _left(base, queue, came, planned, "its past is too short to tell how days go on")
    if not known.any():
        return _left(base, queue, came, planned, "nothing has been counted today")
    log_factor = _log_factor(learned, seen, base, now)
    ahead = slice(slots + now, 2 * slots + now)
    mean, quantiles = _updated(learned, base, ahead, log_factor)
    spike = running(
        seen.ravel()[: slots + now],
        base.median[:2].ravel()[: slots + now],
        learned.scale.spread,
        per_hour=slots / 24,
        queue=queue,
        level=float(np.exp(log_factor[0])),
    )
    if spike is not None:
        # Nobody writes to a closed door, spike or not.
        ahead_h = np.arange(1, slots + 1) * 24 / slots
        left = np.where(mean > 0, model.decay.remaining(spike, ahead_h), 0.0)
        noise = learned.scale.spread * float(np.sqrt(mean.mean() + 1.0))
        quantiles = with_spike(quantiles, left, model.decay)
        mean = mean + left * model.decay.mean
        spike = replace(
            spike,
            onset=spike.onset + now,
            remaining=float(left.sum()),
            ends_in_h=expected_end_h(spike, model.decay, noise),
        )
    updated = _with_next(base.mean, now, mean)
    factor = np.ones_like(updated)
    np.divide(updated, base.mean[1:], out=factor, where=base.mean[1:] > 0)
    return Reforecast(
        mean=updated,
        median=_with_next(base.median, now, quantiles[:, MEDIAN]),
        quantiles=_with_next(base.quantiles, now, quantiles),
        factor=factor,
        seen=came,
        expected=planned,
        spike=spike,
        reason=_reason(queue, came, planned, np.exp(log_factor), spike),
    )


def _check(slots: int, counts: Floats, base: Outlook, now: int) -> None:
    wanted = {
        "counts": (counts.shape, (2, slots)),
        "mean": (base.mean.shape, (3, slots)),
        "median": (base.median.shape, (3, slots)),
        "quantiles": (base.quantiles.shape, (3, slots, len(QUANTILES))),
    }
    wrong = [
        f"{name} {shape}, not {right}" for name, (shape, right) in wanted.items() if shape != right
    ]
    if wrong:
        raise RequestError(
            f"the update was learned on days of {slots} slots, and does not fit: {'; '.join(wrong)}"
        )
    if not 0 <= now <= slots:
        raise RequestError(f"now is slot {now} of today; it lies between 0 and {slots}")
    if not all(np.isfinite(part[1:]).all() for part in (base.mean, base.median, base.quantiles)):
        raise RequestError("the forecast of today and tomorrow has gaps; make it anew")


def _log_factor(learned: QueueModel, seen: Floats, base: Outlook, now: int) -> Floats:
    """Logarithm of the update at each slot of the next 24 hours."""
    slots = seen.shape[1]
    sums = running_sums(seen.ravel(), base.mean[:2].ravel(), learned.scale)
    at = np.array(slots)
    features = shown(sums, at, at + now, slots, learned.scale)
    part = min(now * PARTS // slots, PARTS - 1)
    update = learned.shares * (learned.betas[part] @ features)
    return over_leads(np.clip(update, -MAX_LOG, MAX_LOG), slots)


def _updated(
    learned: QueueModel, base: Outlook, ahead: slice, log_factor: Floats
) -> tuple[Floats, Floats]:
    """Mean and quantiles of the next 24 hours, the spike not yet in."""
    slots = base.mean.shape[1]
    was = base.mean.ravel()[ahead]
    factor = np.exp(log_factor)
    mean = was * factor
    ratio = np.repeat(factor[:, None], len(QUANTILES), axis=1)
    trust = learned.days / (learned.days + BAND_DAYS)
    # Half a contact at most, so that an upper quantile of zero can move but a closed hour stays
    # shut; a lower one stays, as no contacts at all are always possible there.
    floor = np.minimum(0.5, was)[:, None] * (np.array(QUANTILES) >= 0.5)
    for lead in range(len(learned.before)):
        rows = lead_of(slots) == lead
        if not rows.any():
            continue
        before = _around(learned.before[lead], was[rows]) + floor[rows]
        after = _around(learned.after[lead], mean[rows]) + floor[rows]
        width = np.ones_like(before)
        np.divide(after, before * factor[rows, None], out=width, where=(before > 0) & (after > 0))
        # The median moves with the mean; its distance to the others is what is learned.
        width[:, MEDIAN] = 1.0
        ratio[rows] *= np.clip(width, 1 / MAX_WIDTH, MAX_WIDTH) ** trust
    quantiles = base.quantiles.reshape(-1, len(QUANTILES))[ahead]
    moved = np.maximum((quantiles + floor) * ratio - floor, 0.0)
    # Few contacts come in whole numbers.
    moved = np.where((mean < FEW)[:, None], np.floor(moved + 0.5), moved)
    return mean, _ascending(moved)


def _ascending(quantiles: Floats) -> Floats:
    """Quantiles (slots, quantiles) made to ascend, the median as it is."""
    median = quantiles[:, MEDIAN, None]
    below = np.minimum(quantiles[:, :MEDIAN], median)
    above = np.maximum(quantiles[:, MEDIAN:], median)
    ordered: Floats = np.maximum.accumulate(np.concatenate((below, above), axis=1), axis=1)
    return ordered


def _around(bands: Bands, size: Floats) -> Floats:
    quantiles: Floats = bands.around(size[None], np.ones(1, dtype=np.int64))[0]
    return quantiles


def _left(base: Outlook, queue: str, seen: float, expected: float, why: str) -> Reforecast:
    """The forecast as it was."""
    return Reforecast(
        mean=base.mean[1:].copy(),
        median=base.median[1:].copy(),
        quantiles=base.quantiles[1:].copy(),
        factor=np.ones_like(base.mean[1:]),
        seen=seen,
        expected=expected,
        spike=None,
        reason=f"{queue}: {why}, so the forecast stands",
    )


def _with_next(base: Floats, now: int, updated: Floats) -> Floats:
    """Today and tomorrow (2, slots, ...) with the 24 hours from `now` on replaced."""
    whole = base[1:].copy()
    flat = whole.reshape(-1, *base.shape[2:])
    flat[now : now + len(updated)] = updated
    return whole


def _reason(queue: str, seen: float, expected: float, factor: Floats, spike: Spike | None) -> str:
    """Why the forecast was moved, in a sentence or two. factor (slots,) of the next 24 hours"""
    slots = len(factor)
    told = f"{queue}: {seen:,.0f} contacts so far today where {expected:,.0f} were forecast"
    hour = float(np.exp(np.log(factor[: max(1, slots // 24)]).mean()) - 1)
    later = float(np.exp(np.log(factor[slots // 6 : slots // 3]).mean()) - 1)
    if max(abs(hour), abs(later)) < TOLD:
        told += "; on past days that said little of the hours that followed: the forecast stands"
    else:
        told += f"; the next hour is moved by {hour:+.0%}, the hours from four on by {later:+.0%}"
    if spike is None:
        return told
    minute = spike.onset % slots * 24 * 60 // slots
    day = "yesterday " if spike.onset < 0 else ""
    return (
        f"{told}. Spike since {day}{minute // 60:02d}:{minute % 60:02d}: {spike.so_far:,.0f} "
        f"contacts above the forecast, about {spike.remaining:,.0f} more to come"
        + ("; too young to be trusted in full" if spike.age_h < BELIEVED_H else "")
    )
