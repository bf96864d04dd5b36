"""The methods that `benchmarks.forecast` compares, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.methods import lightgbm, naives, ours, prophet, statsmodels
from benchmarks.origins import Answer, Past

# Slow peers learn from the last twelve weeks.
WINDOW_DAYS = 84


@dataclass(frozen=True)
class Method:
    """A method by name.

    run       (pasts of a group at one origin, seed) -> an answer for each
    load      imports what it needs, outside of what is timed; ImportError where it cannot
    window    days of history it learns from, None for all
    calendar  whether it can use public holidays
    """

    name: str
    run: Callable[[Sequence[Past], int], list[Answer]]
    load: Callable[[], None] = lambda: None
    window: int | None = None
    calendar: bool = False


METHODS = {
    one.name: one
    for one in (
        Method("ours", ours.ours, calendar=True),
        Method("snaive_week", naives.snaive_week),
        Method("snaive_day", naives.snaive_day),
        Method("prophet", prophet.prophet, prophet.load, WINDOW_DAYS, calendar=True),
        Method(
            "prophet_tuned",
            prophet.prophet_tuned,
            prophet.load,
            window=prophet.TUNED_DAYS,
            calendar=True,
        ),
        Method("mstl", statsmodels.mstl, statsmodels.load, WINDOW_DAYS),
        Method("dhr", statsmodels.dhr, statsmodels.load, WINDOW_DAYS, calendar=True),
        Method("lightgbm", lightgbm.lightgbm, lightgbm.load, WINDOW_DAYS, calendar=True),
    )
}
