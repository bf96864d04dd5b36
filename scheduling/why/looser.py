"""Rules one step looser: what a planner might give way in, rule by rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from wfm.brands import Brand
from wfm.people import Agent, Contract

Eased = Callable[[Contract], Contract]


@dataclass(frozen=True)
class Step:
    """A rule a step looser.

    change  in words
    eased   the contract with it
    """

    rule: str
    change: str
    eased: Eased


def _more(field: str, by: float) -> Eased:
    def eased(contract: Contract) -> Contract:
        value = getattr(contract, field)
        return contract if value is None else replace(contract, **{field: value + by})

    return eased


def _less(field: str, by: float, least: float = 0) -> Eased:
    def eased(contract: Contract) -> Contract:
        value = getattr(contract, field)
        return contract if value is None else replace(contract, **{field: max(least, value - by)})

    return eased


def _one_more_of_each(contract: Contract) -> Contract:
    return replace(contract, max_shifts=tuple((t, n + 1) for t, n in contract.max_shifts))


def _free_order(contract: Contract) -> Contract:
    return replace(contract, forbidden_sequences=())


STEPS: dict[str, Step] = {
    step.rule: step
    for step in (
        Step("day_hours", "an hour more a day", _more("max_hours_per_day", 1)),
        Step("week_hours", "8 hours more a week", _more("max_hours_per_week", 8)),
        Step("week_days", "a day more a week", _more("max_days_per_week", 1)),
        Step("period_hours", "8 hours more a period", _more("max_hours_per_period", 8)),
        Step("template_shifts", "one more of each template", _one_more_of_each),
        Step("consecutive_days", "a day more in a row", _more("max_consecutive_days", 1)),
        Step("consecutive_nights", "a night more in a row", _more("max_consecutive_nights", 1)),
        Step("consecutive_shifts", "a day fewer in a row", _less("min_consecutive_shifts", 1, 1)),
        Step("days_off", "a day off fewer in a row", _less("min_consecutive_days_off", 1, 1)),
        Step("rest", "an hour less of rest", _less("min_rest_h", 1)),
        Step("weekly_rest", "6 hours less of weekly rest", _less("weekly_rest_h", 6)),
        Step(
            "rest_after_nights",
            "6 hours less of rest after nights",
            _less("rest_after_nights_h", 6),
        ),
        Step("weekends", "a weekend more in four weeks", _more("max_weekends_in_4", 1)),
        Step("sequence", "no forbidden sequences", _free_order),
        Step("start_change", "starts an hour further apart", _more("max_start_change_h", 1)),
        Step("holidays", "a holiday more a period", _more("max_holidays_per_period", 1)),
    )
}


@dataclass(frozen=True)
class Waiver:
    """Something about an agent set aside, in words."""

    rule: str
    change: str
    waived: Callable[[Agent], Agent]


WAIVERS: dict[str, Waiver] = {
    waiver.rule: waiver
    for waiver in (
        Waiver("availability", "availability widened", lambda a: replace(a, availability=())),
        Waiver("time_off", "time off withdrawn", lambda a: replace(a, time_off=())),
        Waiver("limits", "the limits lifted", lambda a: replace(a, limits=())),
    )
}


def eased(brand: Brand, step: Step) -> Brand:
    """The brand with every contract a step looser."""
    return replace(brand, contracts=tuple(step.eased(c) for c in brand.contracts))
