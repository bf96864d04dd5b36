"""The brand file's contracts, under the rule sets that they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wfm.ingest.contractfields import laxer, read_figures
from wfm.ingest.faults import choose, unknown
from wfm.ingest.tomltable import TomlTable, named
from wfm.people import ActivityCode, Contract, ShiftTemplate
from wfm.rules import RuleSet

# (what is no more, than what): a contract that turns one round cannot be kept.
ORDERED = (
    ("min_hours_per_week", "max_hours_per_week"),
    ("target_hours_per_week", "max_hours_per_week"),
    ("min_hours_per_week", "target_hours_per_week"),
    ("min_hours_per_period", "max_hours_per_period"),
    ("target_hours_per_period", "max_hours_per_period"),
    ("min_hours_per_period", "target_hours_per_period"),
    ("min_consecutive_shifts", "max_consecutive_days"),
)


def read_contracts(
    top: TomlTable,
    templates: tuple[ShiftTemplate, ...],
    faulty: frozenset[str],
    activities: tuple[ActivityCode, ...],
    rulesets: Mapping[str, RuleSet],
) -> tuple[Contract, ...]:
    """The contracts; what they do not give comes from the rule set they name.

    faulty  names of templates whose length says nothing
    """
    contracts: list[Contract] = []
    taken: dict[str, int] = {}
    known = {t.name: t for t in templates}
    for table in top.tables("contracts"):
        name = named(table, taken)
        ruleset = _ruleset(table, rulesets)
        law = {f.field: f.value for f in ruleset.figures} if ruleset else {}
        figures: dict[str, Any] = read_figures(table, law)
        if ruleset is not None:
            _check_law(table, ruleset, law, figures)
        contract = Contract(
            name=name,
            templates=table.texts("templates"),
            max_shifts=_max_shifts(table, known),
            forbidden_sequences=_sequences(table, known),
            ruleset=ruleset.name if ruleset else "",
            **figures,
        )
        _check_templates(table, contract, known, faulty, activities)
        _check_order(table, contract)
        contracts.append(contract)
        table.done()
    if not contracts:
        top.fault("contracts", "the brand wants at least one [[contracts]]")
    return tuple(contracts)


def _ruleset(table: TomlTable, rulesets: Mapping[str, RuleSet]) -> RuleSet | None:
    name = table.text_if_any("ruleset")
    if name and name not in rulesets:
        table.fault("ruleset", f"no rule set of that name; {choose(name, rulesets)}", name)
    return rulesets.get(name)


def _check_law(
    table: TomlTable, ruleset: RuleSet, law: dict[str, float], figures: dict[str, Any]
) -> None:
    """A fault for every figure of the contract's own that is laxer than its rule set."""
    for key, bound in law.items():
        value = figures[key]
        remedy = laxer(key, value, bound) if key in table else ""
        if remedy:
            table.fault(
                key,
                f"is laxer than {bound:g} of the rule set {ruleset.name}; {remedy}, leave it out, "
                "or name another rule set",
                value,
            )


def _max_shifts(
    table: TomlTable, templates: Mapping[str, ShiftTemplate]
) -> tuple[tuple[str, int], ...]:
    most = table.table("max_shifts")
    for name in most.values:
        if name not in templates:
            most.asked.add(name)
            most.fault(name, unknown("template", name, templates))
    return tuple((name, most.whole(name, low=0, high=366)) for name in most.values)


def _sequences(
    table: TomlTable, templates: Mapping[str, ShiftTemplate]
) -> tuple[tuple[str, str], ...]:
    value = table.raw("forbidden_sequences")
    pairs: list[tuple[str, str]] = []
    listed = value if isinstance(value, list) else [] if value is None else [value]
    for pair in listed:
        if not (
            isinstance(pair, list) and len(pair) == 2 and all(isinstance(n, str) for n in pair)
        ):
            table.fault(
                "forbidden_sequences",
                'want pairs, the second not on the day after the first: [["night8", "early8"]]',
                pair,
            )
            continue
        for name in pair:
            if name not in templates:
                table.fault("forbidden_sequences", unknown("template", name, templates), name)
        pairs.append((pair[0], pair[1]))
    return tuple(dict.fromkeys(pairs))


def _check_templates(
    table: TomlTable,
    contract: Contract,
    known: Mapping[str, ShiftTemplate],
    faulty: frozenset[str],
    activities: tuple[ActivityCode, ...],
) -> None:
    codes = {a.code: a for a in activities}
    if "templates" in table and not contract.templates:
        table.fault("templates", "a contract wants at least one shift template")
    for name in contract.templates:
        if name not in known:
            table.fault("templates", unknown("template", name, known), name)
            continue
        paid_h = known[name].paid_minutes(codes) / 60
        if paid_h > contract.max_hours_per_day and name not in faulty:
            table.fault(
                "templates",
                f"a shift of {paid_h:g} paid hours is longer than the contract's day of "
                f"{contract.max_hours_per_day:g}; shorten the template or raise "
                "max_hours_per_day",
                name,
            )


def _check_order(table: TomlTable, contract: Contract) -> None:
    """Figures that cannot hold together."""
    for low, high in ORDERED:
        less, more = getattr(contract, low), getattr(contract, high)
        # 0 is no wish, or stands for a figure that was told already.
        if less and more and less > more:
            table.fault(low if low in table else high, _above(low, less, high, more), less)


def _above(low: str, less: float, high: str, more: float) -> str:
    return f"{low} {less:g} is above {high} {more:g}; lower the one or raise the other"
