"""The figures of a contract that files give: what they may be, and which of two is stricter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from wfm.ingest.tomltable import TomlTable
from wfm.people import Contract

# most: a smaller figure is stricter; least: a larger one; same: others count otherwise
Sense = Literal["most", "least", "same", "wish"]


@dataclass(frozen=True)
class Span:
    """What a field may be; `above`: not `low` itself."""

    sense: Sense
    low: float
    high: float
    whole: bool = False
    above: bool = False


FIGURES: dict[str, Span] = {
    "max_hours_per_day": Span("most", 0, 24, above=True),
    "max_hours_per_week": Span("most", 0, 168, above=True),
    "min_hours_per_week": Span("wish", 0, 168),
    "target_hours_per_week": Span("wish", 0, 168),
    "period_weeks": Span("same", 1, 52, whole=True),
    "max_hours_per_period": Span("most", 0, 52 * 168, above=True),
    "min_hours_per_period": Span("wish", 0, 52 * 168),
    "target_hours_per_period": Span("wish", 0, 52 * 168),
    "max_days_per_week": Span("most", 1, 7, whole=True),
    "max_consecutive_days": Span("most", 1, 28, whole=True),
    "max_consecutive_nights": Span("most", 0, 28, whole=True),
    "min_consecutive_shifts": Span("least", 1, 28, whole=True),
    "min_consecutive_days_off": Span("least", 1, 28, whole=True),
    "min_rest_h": Span("least", 0, 48),
    "weekly_rest_h": Span("least", 0, 144),
    "nights_in_series": Span("most", 1, 28, whole=True),
    "rest_after_nights_h": Span("least", 0, 168),
    "max_weekends_in_4": Span("most", 0, 4, whole=True),
    "max_start_change_h": Span("most", 0, 24),
    "max_holidays_per_period": Span("most", 0, 366, whole=True),
}
# What a rule set may say: all but wishes.
LAW = {name: span for name, span in FIGURES.items() if span.sense != "wish"}

DEFAULTS: dict[str, object] = {f.name: f.default for f in fields(Contract) if f.name in FIGURES}


def read_figure(table: TomlTable, key: str, span: Span, default: float | None) -> float:
    """The figure under `key`; a fault of the table where it is not within its span."""
    if span.whole:
        whole = None if default is None else int(default)
        return table.whole(key, whole, low=int(span.low), high=int(span.high))
    return table.number(key, default, low=span.low, high=span.high, above=span.above)


def read_figures(table: TomlTable, law: Mapping[str, float]) -> dict[str, float | None]:
    """All figures of a contract: the table's own, else those of its rule set, else the defaults.

    Fields that may be left out are None then; those without a default are faults.
    """
    figures: dict[str, float | None] = {}
    for key, span in FIGURES.items():
        default = law.get(key, DEFAULTS[key])
        if default is None and key not in table:
            table.asked.add(key)
            figures[key] = None
            continue
        known = default if isinstance(default, (int, float)) else None
        figures[key] = read_figure(table, key, span, known)
    return figures


def laxer(key: str, value: float, law: float) -> str:
    """What to write instead where `value` is laxer than the law's figure; "" where it is not."""
    sense = FIGURES[key].sense
    if sense == "same":
        return f"write {law:g}" if value != law else ""
    if (value > law) if sense == "most" else (value < law):
        return f"write {law:g} or {'less' if sense == 'most' else 'more'}"
    return ""
