"""Contracts in the programs of a shift mix: whose shifts they are, by template and week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from scheduling.rostering.bench import Units
from scheduling.rostering.capacity import Floor, weeks_of
from scheduling.rostering.need import INTERVAL_H
from scheduling.rostering.solver import Program


def add_contracts(
    program: Program, floor: Floor, *, week: int, group: int, offered: list[int]
) -> dict[int, list[Any]]:
    """Each contract's part of a group's shifts by template, within its week's days and hours.

    week     first day of the calendar week
    offered  templates of which there may be shifts
    """
    shifts = floor.shifts
    paid = {int(k): float(p) for k, p in zip(shifts.template, shifts.paid, strict=True)}
    price = floor.prices.below_minimum * INTERVAL_H
    parts: dict[int, list[Any]] = {k: [] for k in offered}
    for n, ((first, held), (count, hours, wanted)) in enumerate(
        floor.pools[group].contracts.items()
    ):
        if first != week:
            continue
        allowed = {t for c in held.split("+") if c for t in floor.contracts[c].templates}
        mine = [
            (k, program.variable(f"part_{group}_{n}_{k}"))
            for k in offered
            if shifts.templates[k].name in allowed
        ]
        for k, part in mine:
            parts[k].append(part)
        worked = [(part, paid[k]) for k, part in mine]
        program.row(f"shifts_{group}_{n}", [(part, 1.0) for _, part in mine], at_most=count)
        program.row(f"paid_{group}_{n}", worked, at_most=hours)
        if wanted > 0:
            below = program.variable(f"below_{group}_{n}", cost=price)
            program.row(f"minimum_{group}_{n}", [(below, 1.0), *worked], at_least=wanted)
    return parts


def add_taken(
    program: Program,
    floor: Floor,
    *,
    week: int,
    group: int,
    taken: Mapping[int, int],
    free: Mapping[int, list[tuple[Any, float]]],
) -> None:
    """Contracts of a group whose shifts of the week are taken already, or free to be.

    taken, free  agents on shifts of each template, and terms of those that may still come

    Shifts that no contract has room for are priced like heads missing all through them.
    """
    shifts = floor.shifts
    paid = {int(k): float(p) for k, p in zip(shifts.template, shifts.paid, strict=True)}
    offered = sorted({*taken, *free})
    parts = add_contracts(program, floor, week=week, group=group, offered=offered)
    for k in offered:
        beyond = program.variable(
            f"beyond_{group}_{week}_{k}", cost=floor.prices.short * paid[k] * INTERVAL_H
        )
        terms = [*free.get(k, []), (beyond, -1.0), *((part, -1.0) for part in parts[k])]
        program.row(f"of_{group}_{week}_{k}", terms, equals=-float(taken.get(k, 0)))


def contracts_cost(units: Units, floor: Floor) -> float:
    """What a mix costs its contracts: hours below their minimums, shifts beyond their room."""
    program = Program("contracts")
    for a, b in weeks_of(floor.shifts):
        for g in range(len(floor.pools)):
            day = floor.shifts.day[units.shift]
            mine = units.shift[(units.pool == g) & (day >= a) & (day < b)]
            taken = Counter(floor.shifts.template[mine].tolist())
            add_taken(program, floor, week=a, group=g, taken=taken, free={})
    return program.solve().objective
