"""The shape of a push: when it began, how it rose, held and faded, told from its counts alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from forecasting.grid import Floats

# The usual volume under a push is only known so well, in logs.
LEAST_SD = 0.05
# No push leaves less of the usual volume.
LEAST_FACTOR = 0.05
# The first hours tell the size: what a slot says of it halves with every so many.
TELLING_H = 3.0
# Shapes that are tried, minutes. A slow rise stands out only some time after it began.
BEGAN = (0.0, -15.0, -30.0, -60.0)
RISES = (0.0, 15.0, 30.0, 60.0, 120.0)
LENGTHS = (15.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0, 360.0, 480.0, 720.0)
HALF_LIVES = (15.0, 30.0, 60.0, 120.0, 240.0, 480.0)
# Rounds of fitting and weighing.
ROUNDS = 3
# A shape is told from what stands out by this many standard deviations.
TOLD_SD = 4.0


@dataclass(frozen=True)
class Fitted:
    """The shape that explains a push best.

    factor  volume over the usual at its peak; sd: standard deviation of its logarithm
    told    whether the push stands out enough for its times to be told
    """

    factor: float
    sd: float
    rise_min: float
    length_min: float
    half_life_min: float
    told: bool


def fitted(
    counts: Floats, usual: Floats, *, spread: float, per_hour: float, early: bool = False
) -> Fitted | None:
    """The shape that explains best what came beyond the usual, by weighted least squares.

    counts  (slots,) from the onset on, a day at most; NaN where nothing is known
    usual   (slots,) what would have come
    spread  robust standard deviation of a count, 1 for Poisson counts
    early   whether it may have begun up to an hour before, since a slow rise stands out late

    None where nothing is known.
    """
    known = np.isfinite(counts) & (usual > 0)
    if not known.any():
        return None
    parameters, shapes = _tried(per_hour, BEGAN if early else BEGAN[:1])
    base = usual[known]
    over = counts[known] - base
    columns = shapes[:, : len(counts)][:, known] * base
    telling = 0.5 ** (np.flatnonzero(known) / per_hour / TELLING_H)
    variance = base + 1.0
    for _ in range(ROUNDS):
        weight = telling / variance
        made = np.maximum(columns**2 @ weight, 1e-12)
        uplift = (columns * weight) @ over / made
        left = ((over - uplift[:, None] * columns) ** 2) @ weight
        best = int(left.argmin())
        # Busy slots scatter more, also by what the push itself brings.
        variance = np.maximum(base + uplift[best] * columns[best], 0.0) + 1.0
    # A push takes no more away than there is.
    factor = max(1.0 + float(uplift[best]), LEAST_FACTOR)
    chance = spread / float(np.sqrt(made[best]))
    # The usual volume is itself told by counts.
    base_sd = 1.0 / float(np.sqrt(base.sum() + 1.0))
    rise, length, half_life = (float(value) for value in parameters[best])
    return Fitted(
        factor=factor,
        sd=float(np.hypot(np.hypot(chance / factor, base_sd), LEAST_SD)),
        rise_min=rise,
        length_min=length,
        half_life_min=half_life,
        told=bool(uplift[best] > TOLD_SD * chance),
    )


@cache
def _tried(per_hour: float, began: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Parameters (tries, 3: rise, length, half-life) and shapes (tries, slots of a day)."""
    slots = round(24 * per_hour)
    minutes = (np.arange(slots) + 0.5) * 60 / per_hour
    parameters, shapes = [], []
    for begin, rise, length, half_life in product(began, RISES, LENGTHS, HALF_LIVES):
        if rise > length or (begin < 0 and -begin >= rise):
            continue
        since = minutes - begin
        risen = np.minimum(since, length) / rise if rise > 0 else np.ones(slots)
        faded = 0.5 ** (np.maximum(since - length, 0.0) / half_life)
        parameters.append((rise, length, half_life))
        shapes.append(np.minimum(risen, 1.0) * faded)
    return np.array(parameters), np.array(shapes)
