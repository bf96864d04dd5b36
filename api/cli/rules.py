"""`wfm rules`: the rules of a roster, and the sets of figures that contracts take them from."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.shell import JsonOption, emit_json, opened, out, say, show_table

if TYPE_CHECKING:
    from wfm.brands import Brand
    from wfm.rules import RuleSet

app = typer.Typer()


@app.command("rules")
def rules(
    name: Annotated[
        str | None, typer.Argument(metavar="SET", help="Show one rule set with all its figures.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the rules a roster keeps and the rule sets that contracts may name; or show one set."""
    from wfm.store.brands import find_brand

    with opened() as store, store.reading() as connection:
        brand = find_brand(connection)
    sets = _sets(brand)
    if name is None:
        _list(sets, brand, as_json=as_json)
    else:
        _show(_chosen(sets, name), brand, as_json=as_json)


def _sets(brand: Brand | None) -> dict[str, RuleSet]:
    """Those that come with the program, then the brand's own."""
    from wfm.ingest.rulesets import shipped_rulesets

    return dict(shipped_rulesets()) | {r.name: r for r in (brand.rulesets if brand else ())}


def _chosen(sets: dict[str, RuleSet], name: str) -> RuleSet:
    from wfm.errors import NotFound
    from wfm.ingest.faults import choose

    if name not in sets:
        raise NotFound(f"no rule set {name!r}; {choose(name, sets)}", ruleset=name)
    return sets[name]


def _under(ruleset: RuleSet, brand: Brand | None) -> list[str]:
    """The brand's contracts that name the set."""
    return [c.name for c in brand.contracts if c.ruleset == ruleset.name] if brand else []


def _list(sets: dict[str, RuleSet], brand: Brand | None, *, as_json: bool) -> None:
    from wfm.rules import RULES

    if as_json:
        emit_json(
            {
                "rulesets": [_as_json(one, brand) for one in sets.values()],
                "rules": [asdict(rule) for rule in RULES.values()],
            }
        )
        return
    table = Table("rule set", "title", "extends", "figures", "contracts", box=None)
    for one in sets.values():
        contracts = ", ".join(_under(one, brand)) or "-"
        table.add_row(one.name, one.title, one.extends or "-", str(len(one.figures)), contracts)
    show_table(table)
    out.print()
    table = Table("rule", "what holds", "figures", box=None)
    for rule in RULES.values():
        table.add_row(rule.name, rule.says, ", ".join(rule.fields) or "-")
    show_table(table)
    out.print()
    say("`wfm rules SET` shows a rule set with its figures and their reasons.")


def _show(ruleset: RuleSet, brand: Brand | None, *, as_json: bool) -> None:
    from wfm.rules import rules_reading

    if as_json:
        emit_json(_as_json(ruleset, brand))
        return
    say(f"{ruleset.name}: {ruleset.title}")
    if ruleset.source:
        say(f"Source: {ruleset.source}.")
    if ruleset.extends:
        say(f"Extends {ruleset.extends}.")
    contracts = _under(ruleset, brand)
    if contracts:
        say(f"Contracts under it: {', '.join(contracts)}.")
    for figure in ruleset.figures:
        read_by = ", ".join(rule.name for rule in rules_reading(figure.field))
        out.print()
        say(f"{figure.field} = {figure.value:g}  ({read_by})")
        if figure.why:
            say(figure.why, "  ")
    if ruleset.not_checked:
        out.print()
        say("Not checked, for you to see to:")
        for line in ruleset.not_checked:
            say(f"- {line}", "  ")


def _as_json(ruleset: RuleSet, brand: Brand | None) -> dict[str, object]:
    return {**asdict(ruleset), "contracts": _under(ruleset, brand)}
