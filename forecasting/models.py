"""The forecasters by name."""

from __future__ import annotations

from collections.abc import Sequence

from forecasting.champion import DEFAULT, NAIVE
from forecasting.naive import WeeklyNaive
from forecasting.profile import LogProfile
from forecasting.protocol import Forecaster
from wfm.errors import RequestError

MODELS = (NAIVE, DEFAULT, "harmonic", "prophet")


def forecasters(names: Sequence[str] | None, *, seed: int) -> tuple[Forecaster, ...]:
    """The forecasters called `names`, all without; RequestError for a name that is none."""
    chosen = MODELS if names is None else tuple(dict.fromkeys(names))
    unknown = [name for name in chosen if name not in MODELS]
    if unknown or not chosen:
        raise RequestError(
            f"no forecaster {', '.join(map(repr, unknown)) or 'named'}; "
            f"there are {', '.join(MODELS)}",
            unknown=unknown,
        )
    return tuple(_made(name, seed) for name in chosen)


def _made(name: str, seed: int) -> Forecaster:
    # Challengers are imported when asked for: their libraries come with their first fit.
    if name == "harmonic":
        from forecasting.challengers.statsmodels import Harmonic

        return Harmonic()
    if name == "prophet":
        from forecasting.challengers.prophet import ProphetHourly

        return ProphetHourly(seed=seed)
    return WeeklyNaive() if name == NAIVE else LogProfile()
