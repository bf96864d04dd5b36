"""Spikes: when far more arrives than was forecast, and how such an excess dies away.

A spike begins where a count stands out from the forecast in three ways at once, after hours in
which none did. How much of it is still to come is told from what the last half hour held
throughout, since one wild quarter-hour says little: before an hour has passed only a share of it
is believed, then it decays by a power law. How fast, and how wide the doubt is, is learned from
past spikes of all queues, leaning on what public brands' mentions showed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from forecasting.engine.clean import CAP_SD, median
from forecasting.engine.intervals import MEDIAN
from forecasting.grid import Bools, Floats, Ints
from wfm.frames import QUANTILES

# An onset: this many robust deviations, this many times the forecast, and this many contacts more,
# with nothing of the kind in the hours before.
ONSET_SD = CAP_SD
ONSET_RATIO = 2.5
ONSET_EXCESS = 8.0
QUIET_H = 8.0
# A spike is over when no count has stood out for this long.
OVER_H = 2.0
# What is lasting is told from this long; from a full hour on it is believed.
LASTING_H = 0.5
BELIEVED_H = 1.0
# Hours after a past spike's first hour that teach the decay.
TAUGHT_H = 8.0
# Hours after which little is left of a spike, whatever its power law says.
ENDS_H = 5.0
# So many past spikes weigh as much as the prior.
PRIOR_SPIKES = 80.0
# What the decay is chosen from, once there are spikes to learn from.
TAUS_H = (0.25, 0.5, 1.0, 2.0)
POWERS = (0.5, 0.65, 0.8, 1.0, 1.3)
EARLY = (0.0, 0.15, 0.3, 0.5, 0.75, 1.0)
# No past spike counts against a decay for more than this many times what ignoring it would cost.
WORST = 1.5


@dataclass(frozen=True)
class PastSpike:
    """A line of the ledger of spikes.

    onset   index of its first slot; slots: how many until the last that stood out
    excess  contacts above the forecast in them
    """

    onset: int
    slots: int
    excess: float


@dataclass(frozen=True)
class Spike:
    """A spike that is running.

    onset      slot in which it began, counted from today's midnight; negative is yesterday's
    age_h      hours since
    so_far     contacts above the forecast since the onset
    lasting    contacts a slot above the forecast that the last half hour held throughout
    remaining  contacts above the forecast still to come within a day, more or less likely alike
    ends_in_h  hours until what is left of it is lost in the queue's usual scatter
    """

    queue: str
    onset: int
    age_h: float
    so_far: float
    lasting: float
    remaining: float = 0.0
    ends_in_h: float = 0.0


def law(ahead_h: Floats, tau_h: Floats | float, power: Floats | float) -> Floats:
    """Share of the excess left so many hours from now: a power law that ends within the day.

    Its tail is cut: what is left of a spike after some hours is told better by the day's level.
    """
    share: Floats = (1 + ahead_h / tau_h) ** -power * np.exp(-((ahead_h / ENDS_H) ** 2))
    return share


@dataclass(frozen=True)
class Decay:
    """How the excess of a spike dies away: by `law`, h hours from now.

    early   share of the excess that is believed half an hour after the onset; 1 after an hour
    mean    mean excess over the median one that the power law gives
    reach   excess at each of QUANTILES over the median one
    spikes  past spikes it was learned from

    Source of the defaults: onsets in the public mentions of five brands over 40 days.
    """

    tau_h: float = 0.5
    power: float = 1.2
    early: float = 0.05
    mean: float = 1.35
    reach: tuple[float, ...] = (-1.1, -0.15, 1.1, 2.1, 3.1, 4.8, 7.1)
    spikes: int = 0

    def remaining(self, spike: Spike, ahead_h: Floats) -> Floats:
        """Median excess a slot, so many hours from now."""
        # Half a quarter-hour's word is hardly one: nothing is believed at the onset itself.
        belief = np.interp(spike.age_h, (0.0, LASTING_H, BELIEVED_H), (0.0, self.early, 1.0))
        return spike.lasting * float(belief) * law(ahead_h, self.tau_h, self.power)

    def to_document(self) -> dict[str, Any]:
        return {**vars(self), "reach": list(self.reach)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Decay:
        return cls(**{**document, "reach": tuple(document["reach"])})


@dataclass(frozen=True, eq=False)
class Episode:
    """A past spike as it would have been met: what it held early on and what followed.

    lasting  by age in hours: contacts a slot that the half hour before held throughout
    counts, expected  (slots,) of the hours after the first; NaN where unknown
    noise    (slots,) one robust deviation of the queue's usual scatter, contacts
    """

    lasting: dict[float, float]
    counts: Floats
    expected: Floats
    noise: Floats
    ahead_h: Floats


def spread_of(counts: Floats, expected: Floats) -> float:
    """Robust standard deviation of (counts - expected) / sqrt(expected + 1); never below 1.

    The unit in which the cleaning caps counts: 1 is a Poisson count's.
    """
    miss = np.abs(counts - expected) / np.sqrt(np.maximum(expected, 0.0) + 1.0)
    scatter = float(median(miss.ravel()))
    return max(1.0, 1.4826 * scatter) if np.isfinite(scatter) else 1.0


def stands_out(counts: Floats, expected: Floats, spread: float) -> Bools:
    """Where a count is far above its forecast; False where either is NaN."""
    excess = counts - expected
    out: Bools = (
        (excess > ONSET_SD * spread * np.sqrt(np.maximum(expected, 0.0) + 1.0))
        & (counts > ONSET_RATIO * expected)
        & (excess > ONSET_EXCESS)
    )
    return out


def onsets(out: Bools, quiet: int) -> Ints:
    """Indices of slots that stand out after `quiet` slots that did not."""
    at = np.flatnonzero(out)
    first = np.diff(at, prepend=-quiet - 1) > quiet
    found: Ints = at[first]
    return found


def ledger(
    counts: Floats, expected: Floats, spread: float, *, per_hour: float
) -> tuple[PastSpike, ...]:
    """All spikes in a run of slots (slots,), each with its length and its excess."""
    out = stands_out(counts, expected, spread)
    begins = onsets(out, round(QUIET_H * per_hour))
    ends = np.append(begins, len(out))[1:]
    above = np.nan_to_num(np.maximum(counts - expected, 0.0))
    lines = []
    for begin, end in zip(begins, ends, strict=True):
        last = int(begin + np.flatnonzero(out[begin:end])[-1])
        lines.append(
            PastSpike(int(begin), last + 1 - int(begin), float(above[begin : last + 1].sum()))
        )
    return tuple(lines)


def running(
    counts: Floats,
    expected: Floats,
    spread: float,
    *,
    per_hour: float,
    queue: str = "",
    level: float = 1.0,
) -> Spike | None:
    """The spike that runs at the end of the slots (slots,), or None.

    The last slot is the one that has just ended; `onset` counts back from the end, -1 the last.

    level  how busy the day is beside the spike: what lasts is told from `expected` times this
    """
    out = stands_out(counts, expected, spread)
    found = np.flatnonzero(out)
    size = len(out)
    if not len(found) or size - found[-1] > OVER_H * per_hour:
        return None
    onset = int(onsets(out, round(QUIET_H * per_hour))[-1])
    return Spike(
        queue=queue,
        onset=onset - size,
        age_h=(size - onset) / per_hour,
        so_far=float(np.nansum(np.maximum(counts - expected, 0.0)[onset:])),
        lasting=_lasting((counts - level * expected)[onset:], per_hour),
    )


def _lasting(excess: Floats, per_hour: float) -> float:
    """The least of the last half hour's excess; missing slots are passed over."""
    last = excess[-max(1, round(LASTING_H * per_hour)) :]
    known = last[np.isfinite(last)]
    return max(0.0, float(known.min())) if len(known) else 0.0


def expected_end_h(spike: Spike, decay: Decay, noise: float) -> float:
    """Hours until the median excess a slot falls below `noise` contacts; a day at most."""
    now = float(decay.remaining(spike, np.zeros(1))[0])
    if now <= noise:
        return 0.0
    ahead = np.arange(0.0, 24.0, 1 / 60)
    left = now * law(ahead, decay.tau_h, decay.power)
    return float(ahead[np.searchsorted(-left, -noise)]) if left[-1] <= noise else 24.0


def episodes(
    counts: Floats, expected: Floats, spread: float, *, per_hour: float
) -> tuple[Episode, ...]:
    """Past spikes to learn from: those of which the next hours are known, all or in part."""
    size = len(counts)
    hour = max(1, round(BELIEVED_H * per_hour))
    taught = round(TAUGHT_H * per_hour)
    found = []
    for onset in onsets(stands_out(counts, expected, spread), round(QUIET_H * per_hour)):
        after = slice(int(onset) + hour, min(size, int(onset) + hour + taught))
        seen = counts[after]
        if np.isfinite(seen).sum() < taught // 2:
            continue
        excess = counts - expected
        found.append(
            Episode(
                lasting={
                    age: _lasting(excess[onset : onset + max(1, round(age * per_hour))], per_hour)
                    for age in (LASTING_H, BELIEVED_H)
                },
                counts=seen,
                expected=expected[after],
                noise=spread * np.sqrt(expected[after] + 1.0),
                ahead_h=np.arange(1, len(seen) + 1) / per_hour,
            )
        )
    return tuple(found)


def learn_decay(past: Sequence[Episode], prior: Decay | None = None) -> Decay:
    """The decay that would have served best after the past spikes, leaning on the prior.

    With few spikes it is the prior; with `PRIOR_SPIKES` half of it.
    """
    prior = prior or Decay()
    past = [one for one in past if one.lasting[BELIEVED_H] > 0]
    if not past:
        return prior
    trust = len(past) / (len(past) + PRIOR_SPIKES)
    grid = np.array(list(product(TAUS_H, POWERS)))
    cost = _costs(past, law(_ahead(past)[:, None, :], grid[:, :1], grid[:, 1:]), BELIEVED_H)
    tau_h, power = grid[int(cost.argmin())]
    decay = replace(
        prior,
        tau_h=float(prior.tau_h ** (1 - trust) * tau_h**trust),
        power=float((1 - trust) * prior.power + trust * power),
        spikes=len(past),
    )
    shares = law(_ahead(past)[:, None, :], decay.tau_h, decay.power)
    early = np.array(EARLY)
    cost = _costs(past, early[:, None] * shares, LASTING_H)
    decay = replace(
        decay, early=float((1 - trust) * prior.early + trust * early[int(cost.argmin())])
    )
    return _with_doubt(past, decay, prior, trust)


def _ahead(past: Sequence[Episode]) -> Floats:
    """Hours ahead, (episodes, slots); padded with the last where an episode is cut short."""
    longest = max(len(one.ahead_h) for one in past)
    return np.array([np.pad(e.ahead_h, (0, longest - len(e.ahead_h)), mode="edge") for e in past])


def _costs(past: Sequence[Episode], shares: Floats, age: float) -> Floats:
    """Mean error over that of ignoring the spike, by candidate; (episodes, candidates, slots)."""
    total = np.zeros(shares.shape[1])
    for one, share in zip(past, shares, strict=True):
        excess = one.counts - one.expected
        left = one.lasting[age] * share[:, : len(excess)]
        ignored = max(1.0, float(np.nansum(np.abs(excess))))
        total += np.minimum(np.nansum(np.abs(excess - left), axis=1) / ignored, WORST)
    return total / len(past)


def _with_doubt(past: Sequence[Episode], decay: Decay, prior: Decay, trust: float) -> Decay:
    """The decay with the excess that came over the one it foresaw, each spike weighing alike."""
    found = []
    for one in past:
        left = one.lasting[BELIEVED_H] * law(one.ahead_h, decay.tau_h, decay.power)
        # Where the excess is lost in the queue's own scatter the ratio says nothing of the decay.
        told = np.isfinite(one.counts) & (left > one.noise)
        if told.any():
            ratio = (one.counts - one.expected)[told] / left[told]
            found.append(np.quantile(ratio, np.linspace(0.05, 0.95, 10)))
    if not found:
        return decay
    ratios = np.concatenate(found)
    reach = (1 - trust) * np.array(prior.reach) + trust * np.quantile(ratios, QUANTILES)
    low, high = np.quantile(ratios, (0.05, 0.95))
    mean = float(np.clip(ratios, low, high).mean())
    return replace(
        decay,
        mean=max(1.0, (1 - trust) * prior.mean + trust * mean),
        reach=tuple(float(value) for value in np.maximum.accumulate(reach)),
    )


def with_spike(quantiles: Floats, left: Floats, decay: Decay) -> Floats:
    """Quantiles (slots, quantiles) with a spike's excess and the doubt about it put in.

    left  (slots,) median excess. Distances from the median add up as independent spreads do.
    """
    reach = np.array(decay.reach)
    centre = quantiles[:, MEDIAN] + left
    own = quantiles - quantiles[:, MEDIAN, None]
    doubt = left[:, None] * (reach - reach[MEDIAN])
    distance = np.sign(np.array(QUANTILES) - 0.5) * np.hypot(own, doubt)
    # No spike takes contacts away: its lower doubt ends where the day without it would be.
    lower = np.maximum(centre[:, None] + distance, np.minimum(quantiles, centre[:, None]))
    spread = np.where(np.array(QUANTILES) < 0.5, lower, centre[:, None] + distance)
    return np.maximum.accumulate(np.maximum(spread, 0.0), axis=-1)
