"""The forecasters by name."""

from __future__ import annotations

from collections.abc import Sequence

from forecasting.engine.blend import Blend
from forecasting.naive import WeeklyNaive
from forecasting.protocol import Forecaster
from forecasting.scoring.champion import DEFAULT, NAIVE
from wfm.errors import RequestError

# Who competes unless others are named: what is worth its cost on every run.
COMPETING = (NAIVE, DEFAULT, "harmonic", "prophet_tuned")
MODELS = (*COMPETING, "harmonic_glm", "mstl", "prophet")


def forecasters(names: Sequence[str] | None, *, seed: int) -> tuple[Forecaster, ...]:
    """The forecasters called `names`, those of `COMPETING` without.

    Raises RequestError for a name that is none of `MODELS`.
    """
    chosen = COMPETING if names is None else tuple(dict.fromkeys(names))
    unknown = [name for name in chosen if name not in MODELS]
    if unknown or not chosen:
        raise RequestError(
            f"no forecaster {', '.join(map(repr, unknown)) or 'named'}; "
            f"there are {', '.join(MODELS)}",
            unknown=unknown,
        )
    return tuple(_made(name, seed) for name in chosen)


def _made(name: str, seed: int) -> Forecaster:
    if name == NAIVE:
        return WeeklyNaive()
    if name == DEFAULT:
        return Blend()
    # Challengers are imported when asked for: their libraries come with their first fit.
    if name.startswith("prophet"):
        from forecasting.challengers.prophet import ProphetDefault, ProphetTuned

        return ProphetDefault(seed=seed) if name == "prophet" else ProphetTuned(seed=seed)
    from forecasting.challengers.statsmodels import Harmonic, HarmonicGlm, Mstl

    if name == "mstl":
        return Mstl()
    return HarmonicGlm() if name == "harmonic_glm" else Harmonic()
