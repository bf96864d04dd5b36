"""Rule sets: those that come with the program, and those of a brand file. Format: docs/formats.md.

A set is a table of `rules`, each a figure or `{ value, why }`, named as fields of a contract are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from wfm.ingest.contractfields import LAW, laxer, read_figure
from wfm.ingest.faults import Faults, choose
from wfm.ingest.tomltable import TomlTable, named, read_toml
from wfm.rules import Figure, RuleSet

FOLDER = Path(__file__).parents[1] / "rulesets"


@cache
def shipped_rulesets() -> Mapping[str, RuleSet]:
    """The sets that come with the program, by name."""
    return {path.stem: read_ruleset(path) for path in sorted(FOLDER.glob("*.toml"))}


def read_ruleset(path: Path) -> RuleSet:
    """The set of a file, which bears its name; FileFaults with all that is wrong with it."""
    faults = Faults(path.name)
    top = read_toml(path, faults)
    ruleset = _ruleset(top, path.stem, None)
    top.done()
    faults.stop()
    return ruleset


def read_rulesets(top: TomlTable) -> dict[str, RuleSet]:
    """All sets a contract of the brand file may name: the brand's own after those we bring."""
    known = dict(shipped_rulesets())
    taken: dict[str, int] = {}
    for table in top.tables("rulesets"):
        name = named(table, taken)
        if name in shipped_rulesets():
            table.fault("name", "a set of this name comes with the program; choose another", name)
        base = table.text_if_any("extends")
        if base and base not in known:
            table.fault("extends", f"no rule set of that name before; {choose(base, known)}", base)
        known.setdefault(name, _ruleset(table, name, known.get(base)))
        table.done()
    return known


def _ruleset(table: TomlTable, name: str, base: RuleSet | None) -> RuleSet:
    rules = table.table("rules")
    rules.asked |= set(LAW)
    own = {key: _figure(rules, key, base) for key in rules.values if key in LAW}
    rules.done()
    if not own:
        table.fault("rules", "a rule set wants rules, such as min_rest_h = 11")
    figures = ({f.field: f for f in base.figures} if base else {}) | own
    if any("per_period" in key for key in figures) and "period_weeks" not in figures:
        rules.fault("period_weeks", "missing; say how many weeks its periods have")
    return RuleSet(
        name=name,
        title=table.text_if_any("title") or (base.title if base else name),
        source=table.text_if_any("source") or (base.source if base else ""),
        figures=tuple(figures.values()),
        extends=base.name if base else "",
        not_checked=table.texts("not_checked", base.not_checked if base else ()),
    )


def _figure(rules: TomlTable, key: str, base: RuleSet | None) -> Figure:
    """What the set says of a field."""
    why = ""
    if isinstance(rules.raw(key), dict):
        table = rules.table(key)
        value = read_figure(table, "value", LAW[key], None)
        why = table.text_if_any("why")
        table.done()
    else:
        value = read_figure(rules, key, LAW[key], None)
    before = base.figure(key) if base else None
    remedy = laxer(key, value, before.value) if before else ""
    if remedy and base and before:
        rules.fault(
            key,
            f"is laxer than {before.value:g} of the rule set {base.name}, which it extends; "
            f"{remedy}, or do not extend it",
            value,
        )
    return Figure(key, value, why)
