"""`wfm whatif list`, `show`, `compare`, `repairs`, `apply`, `promote` ...: what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.rosterwords import zone_of
from api.cli.shell import JsonOption, actor, emit_json, opened, out, say, show_table, watched
from api.cli.whatifrepairs import chosen, repairs_document, say_repairs
from api.cli.whatiftold import (
    evaluation_document,
    saved_document,
    say_comparison,
    say_evaluation,
)
from api.cli.whatifwords import local, say_scenario
from wfm.errors import Conflict, RequestError
from wfm.store.documents import to_document
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    from api.planning.whatif.saved import SavedScenario
    from scheduling.whatif.results import Evaluation, Repairs
    from wfm.store.engine import Store
    from wfm.store.scenarios import ScenarioState

app = typer.Typer()

# Beyond what the store counts to.
MAX_ID = 2**31 - 1
Id = Annotated[
    int, typer.Argument(metavar="ID", help="The scenario's id, see `list`.", min=1, max=MAX_ID)
]
Replications = Annotated[int, typer.Option("--replications", help="Sampled days.", min=2, max=1000)]
Revision = Annotated[
    int | None,
    typer.Option("--revision", help="The scenario's revision you have seen; default: any.", min=0),
]


@app.command("list")
def listing(
    state: Annotated[
        str | None, typer.Option("--state", help="Only open, promoted or archived ones.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the scenarios that are kept, newest first."""
    from api.planning.whatif import scenarios

    with opened() as store:
        found = scenarios.listing(store, _state(state), limit=limit)
    if as_json:
        emit_json({"scenarios": [saved_document(one) for one in found]})
        return
    if not found:
        out.print("No scenario is kept yet; `wfm whatif try ... --save NAME` keeps one.")
        return
    shown = Table(box=None, pad_edge=False)
    for column in ("scenario", "of plan", "state", "revision", "name", "changed by", "at"):
        shown.add_column(column, no_wrap=True)
    for one in found:
        shown.add_row(
            str(one.scenario_id),
            str(one.plan_id),
            _became(one),
            str(one.revision),
            one.name,
            one.actor,
            format_instant(one.written_at),
        )
    show_table(shown)


def _state(text: str | None) -> ScenarioState | None:
    from wfm.store.scenarios import SCENARIO_STATES

    found = next((state for state in SCENARIO_STATES if state == text), None)
    if text is not None and found is None:
        raise RequestError(f"a scenario is never {text!r}; choose {', '.join(SCENARIO_STATES)}")
    return found


def _became(one: SavedScenario) -> str:
    if one.draft_id is not None:
        return f"draft {one.draft_id}"
    return one.state if one.campaign is None else f"campaign {one.campaign}"


@app.command()
def show(scenario_id: Id, replications: Replications = 50, as_json: JsonOption = False) -> None:
    """What a kept scenario holds, and what it does."""
    from api.planning.whatif import scenarios

    with opened() as store:
        saved = scenarios.load(store, scenario_id)
        zone = zone_of(store)
        found: Evaluation | None = None
        hindered = ""
        with watched("What if") as progress:
            try:
                found = scenarios.evaluated(
                    store, saved, replications=replications, progress=progress
                )
            except Conflict as error:  # its plan is no longer in force: it can still be looked at
                hindered = error.message
    if as_json:
        effect = None if found is None else evaluation_document(found, zone)
        emit_json({**saved_document(saved), "evaluation": effect, "hindered_by": hindered})
        return
    out.print(
        f"Scenario {scenario_id} of plan {saved.plan_id}, {_became(saved)}, revision "
        f"{saved.revision}: {saved.name}",
        markup=False,
    )
    say_scenario(saved.scenario, zone)
    if found is None:
        say(f"It cannot be simulated: {hindered}")
    else:
        say_evaluation(found, zone)


@app.command()
def compare(
    scenario_ids: Annotated[
        list[int],
        typer.Argument(metavar="ID ID...", help="Two to four scenarios.", min=1, max=MAX_ID),
    ],
    replications: Replications = 50,
    as_json: JsonOption = False,
) -> None:
    """Hold kept scenarios of a plan beside each other, on the same hours and sampled days."""
    from api.planning.whatif import scenarios

    with opened() as store:
        with watched("What if") as progress:
            found = scenarios.compared(
                store, scenario_ids, replications=replications, progress=progress
            )
        zone = zone_of(store)
    if as_json:
        emit_json(
            {
                "scenarios": [
                    {**saved_document(saved), "evaluation": evaluation_document(one, zone)}
                    for saved, one in zip(found.saved, found.evaluations, strict=True)
                ]
            }
        )
        return
    say_comparison(found, zone)


# -- repairs -------------------------------------------------------------------------------------


@app.command("repairs")
def repairs_of(
    scenario_id: Id, replications: Replications = 50, as_json: JsonOption = False
) -> None:
    """Rank what helps against a kept scenario, each simulated, and the small set that restores."""
    with opened() as store:
        found = _ranked(store, scenario_id, replications)
        zone = zone_of(store)
    if as_json:
        emit_json({"scenario_id": scenario_id, **repairs_document(found)})
        return
    say_repairs(found, zone)
    if found.ranked:
        out.print(f"Take what helps with: wfm whatif apply {scenario_id} 1", markup=False)


@app.command()
def apply(
    scenario_id: Id,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="REPAIR...", help="By name or place in `repairs`; `set`: the small set."
        ),
    ],
    replications: Replications = 50,
    revision: Revision = None,
    as_json: JsonOption = False,
) -> None:
    """Add repairs to a kept scenario, and simulate it with them."""
    from api.planning.whatif import scenarios
    from api.planning.whatif.saved import find_open

    with opened() as store:
        # Before the work, so that nobody waits for what cannot be done.
        seen = find_open(store, scenario_id, revision).revision
        taken = chosen(_ranked(store, scenario_id, replications), names)
        kept = scenarios.apply(store, scenario_id, taken, actor=actor(), revision=seen)
        with watched("What if") as progress:
            after = scenarios.evaluated(store, kept, replications=replications, progress=progress)
        zone = zone_of(store)
    if as_json:
        effect = evaluation_document(after, zone)
        emit_json({**saved_document(kept), "evaluation": effect})
        return
    out.print(
        f"Scenario {scenario_id} is now at revision {kept.revision}, with: "
        f"{'; '.join(one.title for one in taken)}",
        markup=False,
    )
    say_evaluation(after, zone)


def _ranked(store: Store, scenario_id: int, replications: int) -> Repairs:
    from api.planning.whatif import scenarios

    saved = scenarios.load(store, scenario_id)
    with watched("Ranking what helps") as progress:
        return scenarios.repairs(store, saved, replications=replications, progress=progress)


# -- what becomes of them ------------------------------------------------------------------------


@app.command()
def promote(
    scenario_id: Id,
    to: Annotated[str, typer.Option("--to", help="draft or campaign.")],
    name: Annotated[str, typer.Option("--name", help="Of the campaign; default: its own.")] = "",
    category: Annotated[
        str | None, typer.Option("--category", help="Of the campaign, such as launch or viral.")
    ] = None,
    revision: Revision = None,
    as_json: JsonOption = False,
) -> None:
    """Make its roster changes a draft of the plan, or its surges a campaign of the forecast."""
    from api.planning.whatif import promoting

    if to == "campaign":
        _to_campaign(scenario_id, name, category, revision, as_json=as_json)
        return
    if to != "draft":
        raise RequestError(f"--to is {to[:40]!r}; choose draft or campaign")
    if name or category is not None:
        raise RequestError("--name and --category go with --to campaign")
    with opened() as store:
        saved, draft_id = promoting.promote_to_draft(
            store, scenario_id, actor=actor(), revision=revision
        )
    others = promoting.left_out(saved.scenario, "draft")
    if as_json:
        emit_json({**saved_document(saved), "left_out": others})
        return
    say(
        f"The roster changes of scenario {scenario_id} are in draft {draft_id} of plan "
        f"{saved.plan_id}. Look at it with: wfm roster diff {saved.plan_id} draft-{draft_id}; put "
        f"it in force with: wfm roster publish {draft_id}"
    )
    _say_left_out(others, "A draft")


def _to_campaign(
    scenario_id: int, name: str, category: str | None, revision: int | None, *, as_json: bool
) -> None:
    from api.planning.whatif import promoting

    with opened() as store:
        saved, campaign = promoting.promote_to_campaign(
            store,
            scenario_id,
            actor=actor(),
            revision=revision,
            name=name,
            category=category,
        )
        zone = zone_of(store)
    others = promoting.left_out(saved.scenario, "campaign")
    if as_json:
        document = {"promoted": to_document(campaign), "left_out": others}
        emit_json({**saved_document(saved), **document})
        return
    say(
        f"The surge of scenario {scenario_id} is the campaign {campaign.name!r} of the forecast "
        f"from {local(campaign.start, zone)} on; the next forecast and the next plan reckon with "
        "it."
    )
    _say_left_out(others, "A campaign")


def _say_left_out(parts: Sequence[str], what: str) -> None:
    if parts:
        say(f"{what} cannot hold the rest: {', '.join(parts)}; the scenario still does.")


@app.command()
def archive(scenario_id: Id, revision: Revision = None, as_json: JsonOption = False) -> None:
    """Lay a scenario aside; it stays on record."""
    from api.planning.whatif import scenarios

    with opened() as store:
        saved = scenarios.archive(store, scenario_id, actor=actor(), revision=revision)
    if as_json:
        emit_json(saved_document(saved))
    else:
        out.print(f"Scenario {scenario_id} is archived.", markup=False)


@app.command()
def rebase(scenario_id: Id, revision: Revision = None, as_json: JsonOption = False) -> None:
    """Put a scenario on the plan in force, where its own has been superseded."""
    from api.planning.whatif import scenarios

    with opened() as store:
        before = scenarios.load(store, scenario_id)
        saved = scenarios.rebase(store, scenario_id, actor=actor(), revision=revision)
    if as_json:
        emit_json(saved_document(saved))
    elif saved.revision == before.revision:
        out.print(f"Plan {saved.plan_id} still stands; nothing is changed.", markup=False)
    else:
        out.print(
            f"Scenario {scenario_id} is about plan {saved.plan_id} now, at revision "
            f"{saved.revision}.",
            markup=False,
        )
