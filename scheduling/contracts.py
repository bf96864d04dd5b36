"""Contracts that contradict themselves: rules that no line of work can keep together."""

from __future__ import annotations

from collections.abc import Iterator

from wfm.brands import Brand
from wfm.people import Contract

# Hours of a contract's minimum that are the arithmetic's.
NOTHING_H = 0.05


def contract_faults(contract: Contract, brand: Brand) -> list[tuple[str, str]]:
    """Rules of the contract that cannot hold together, each with the way out.

    What is found: no template short enough, runs of work whose minimum is above what may be worked
    in a row, and minimum hours above what the maxima leave.
    """
    paid = {
        t.name: t.paid_minutes({a.code: a for a in brand.activities}) / 60
        for t in brand.templates
        if t.name in contract.templates
    }
    usable = {name: hours for name, hours in paid.items() if hours <= contract.max_hours_per_day}
    if not usable:
        shortest = min(paid.values(), default=0.0)
        return [
            (
                f"all its templates are longer than the {contract.max_hours_per_day:g} h a day it "
                f"allows, the shortest has {shortest:g} h paid"
                if paid
                else "it allows no template that the brand has",
                "add a shorter template, or raise max_hours_per_day",
            )
        ]
    found = list(_run_faults(contract, usable))
    most = min(contract.max_hours_per_week, contract.max_days_per_week * max(usable.values()))
    if contract.min_hours_per_week > most + NOTHING_H:
        found.append(
            (
                f"its minimum of {contract.min_hours_per_week:g} h a week is above the {most:g} h "
                "that its days, templates and maximum of the week leave",
                "lower min_hours_per_week, or raise the maxima",
            )
        )
    in_period = min(
        most * contract.period_weeks,
        contract.max_hours_per_period or most * contract.period_weeks,
    )
    if contract.min_hours_per_period > in_period + NOTHING_H:
        found.append(
            (
                f"its minimum of {contract.min_hours_per_period:g} h in {contract.period_weeks} "
                f"weeks is above the {in_period:g} h that its maxima leave",
                "lower min_hours_per_period, or raise the maxima",
            )
        )
    return found


def _run_faults(contract: Contract, usable: dict[str, float]) -> Iterator[tuple[str, str]]:
    least = contract.min_consecutive_shifts
    if least > contract.max_consecutive_days:
        yield (
            f"at least {least} days worked in a row are asked for and at most "
            f"{contract.max_consecutive_days} allowed",
            "lower min_consecutive_shifts, or raise max_consecutive_days",
        )
    # A run passes a Sunday at best: it takes days of two weeks.
    elif least > 2 * contract.max_days_per_week:
        yield (
            f"at least {least} days worked in a row are asked for and at most "
            f"{contract.max_days_per_week} days a week allowed",
            "lower min_consecutive_shifts, or raise max_days_per_week",
        )
    if least > 1:
        forbidden = set(contract.forbidden_sequences)
        if all((a, b) in forbidden for a in usable for b in usable):
            yield (
                f"at least {least} days worked in a row are asked for, and no template may follow "
                "on another",
                "lower min_consecutive_shifts, or take out one of the forbidden sequences",
            )
