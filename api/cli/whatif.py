"""`wfm whatif`: what a spike, an absence or another rule would do to a roster, and what helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli import whatifkept, whatifreplay
from api.cli.rosterwords import zone_of
from api.cli.shell import (
    JsonOption,
    actor,
    emit_json,
    opened,
    out,
    say,
    show_table,
    watched,
)
from api.cli.whatifasked import Asked, read_scenario, scenario_of
from api.cli.whatifkept import Replications
from api.cli.whatifrepairs import repairs_document, say_repairs
from api.cli.whatiftold import evaluation_document, place_of, saved_document, say_evaluation
from api.cli.whatifwords import say_scenario
from api.planning.whatif.words import duration
from wfm.errors import NotFound, RequestError
from wfm.store.documents import to_document

if TYPE_CHECKING:
    from api.planning.whatif.presets import Preset, SurgeTemplate
    from scheduling.whatif.scenario import Scenario
    from wfm.store.engine import Store

app = typer.Typer(
    help="What if it spikes? Ask a roster, compare, repair, keep and replay.", no_args_is_help=True
)
app.add_typer(whatifkept.app)
app.add_typer(whatifreplay.app)

High = Annotated[bool, typer.Option("--high", help="The preset as bad as it gets, not typical.")]
QueueOption = Annotated[
    list[str] | None, typer.Option("--queue", help="A queue; may be repeated. Default: all.")
]


@app.command("try")
def try_it(
    queue: QueueOption = None,
    at: Annotated[
        str | None, typer.Option("--at", help="When it begins, '2026-03-10 18:00' (local).")
    ] = None,
    length: Annotated[
        int | None, typer.Option("--length", help="Minutes that it lasts; default: 120.")
    ] = None,
    factor: Annotated[
        float | None, typer.Option("--factor", help="So many times the usual contacts.")
    ] = None,
    added: Annotated[
        float | None, typer.Option("--added", help="So many contacts more, in all.")
    ] = None,
    rise: Annotated[
        float | None, typer.Option("--rise", help="Minutes until a surge is at its height.")
    ] = None,
    half_life: Annotated[
        float | None,
        typer.Option("--half-life", help="Minutes in which a surge fades by half; default: 60."),
    ] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", help="A cause, see `wfm whatif presets`.")
    ] = None,
    high: High = False,
    handling: Annotated[
        float | None, typer.Option("--handling", help="Handling takes so many times as long.")
    ] = None,
    absent: Annotated[
        float | None, typer.Option("--absent", help="Share of the people who are away, 0 to 1.")
    ] = None,
    away: Annotated[
        list[str] | None, typer.Option("--away", help="An agent who is away; may be repeated.")
    ] = None,
    extra: Annotated[int | None, typer.Option("--extra", help="So many people more.")] = None,
    automatic: Annotated[
        float | None,
        typer.Option("--automatic", help="Share of new cases answered automatically, 0 to 1."),
    ] = None,
    spike_mode: Annotated[
        bool, typer.Option("--spike-mode", help="Cases that can be saved go before lost ones.")
    ] = False,
    reserve: Annotated[
        float | None,
        typer.Option("--reserve", help="In spike mode: share kept for the late; default: 0.2."),
    ] = None,
    put_off: Annotated[
        int | None, typer.Option("--put-off", help="Messages are due so many minutes later.")
    ] = None,
    shrinkage: Annotated[
        float | None, typer.Option("--shrinkage", help="Unplanned shrinkage, over the roster.")
    ] = None,
    goal_share: Annotated[
        float | None, typer.Option("--goal-share", help="Share promised, over the roster.")
    ] = None,
    goal_within: Annotated[
        float | None, typer.Option("--goal-within", help="Minutes promised, over the roster.")
    ] = None,
    known_from: Annotated[
        str | None,
        typer.Option("--known-from", help="When people can begin to act; default: as it begins."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="A scenario as JSON, as `show --json` gives it.")
    ] = None,
    which: Annotated[
        str, typer.Option("--plan", help="The roster: a plan's id, current, latest or draft-5.")
    ] = "current",
    replications: Replications = 50,
    save: Annotated[str | None, typer.Option("--save", help="Keep it under this name.")] = None,
    repair: Annotated[bool, typer.Option("--repairs", help="Rank what helps, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Simulate a roster without and with something that is otherwise than planned."""
    from api.planning.whatif import scenarios

    asked = Asked(
        queues=tuple(queue or ()),
        at=at,
        length_min=length,
        factor=factor,
        added=added,
        rise_min=rise,
        half_life_min=half_life,
        handling=handling,
        absent=absent,
        away=tuple(away or ()),
        shrinkage=shrinkage,
        goal_share=goal_share,
        goal_min=goal_within,
        automatic=automatic,
        spike_mode=spike_mode,
        reserve=reserve,
        put_off_min=put_off,
        extra=extra,
        known_from=known_from,
    )
    with opened() as store:
        plan_id = None if save is None else _plan_id(store, which)
        scenario = _scenario(store, asked, preset, high=high, file=file, which=which)
        scenario = replace(scenario, name=save or scenario.name)
        zone = zone_of(store)
        with watched("What if") as progress:
            found = scenarios.evaluated(
                store, scenario, replications=replications, which=which, progress=progress
            )
            helps = None
            if repair:
                helps = scenarios.repairs(
                    store, scenario, which=which, replications=replications, progress=progress
                )
        kept = None
        if save is not None:
            kept = scenarios.save(store, scenario, actor=actor(), plan_id=plan_id)
    if as_json:
        emit_json(
            {
                **evaluation_document(found, zone),
                "repairs": None if helps is None else repairs_document(helps),
                "saved": None if kept is None else saved_document(kept),
            }
        )
        return
    say_scenario(scenario, zone)
    say_evaluation(found, zone)
    if helps is not None:
        say_repairs(helps, zone)
    if kept is not None:
        out.print(
            f"Kept as scenario {kept.scenario_id} of plan {kept.plan_id}: `wfm whatif show "
            f"{kept.scenario_id}`, or {place_of(kept)} in the console",
            markup=False,
        )


def _plan_id(store: Store, which: str) -> int:
    """The plan that a scenario is kept of; RequestError for a draft."""
    from api.planning import drafts

    roster = drafts.rostered(store, which)
    if roster.draft_id is not None:
        raise RequestError(
            f"a scenario is kept about a plan, and {which} is a draft; leave --save out, or name "
            f"plan {roster.plan.plan_id}"
        )
    return roster.plan.plan_id


def _scenario(
    store: Store, asked: Asked, cause: str | None, *, high: bool, file: Path | None, which: str
) -> Scenario:
    """What the file and the options say together."""
    from wfm.store.brands import load_brand

    if high and cause is None:
        raise RequestError("--high goes with --preset")
    with store.reading() as connection:
        brand = load_brand(connection)
    preset = None if cause is None else _preset(store, cause, asked.queues, high=high)
    held = None if file is None else read_scenario(store, file, which)
    return scenario_of(asked, brand, preset, held)


# -- presets -------------------------------------------------------------------------------------


@app.command("presets")
def list_presets(
    queue: Annotated[
        str | None, typer.Option("--queue", help="As they were on this queue.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The usual causes of a spike, their sizes learned from past ones."""
    from api.planning.whatif import presets

    with opened() as store:
        found = presets.presets(store, queue=queue)
    if as_json:
        emit_json({"presets": [to_document(one) for one in found]})
        return
    shown = Table(box=None, pad_edge=False)
    for name in PRESET:
        shown.add_column(name, justify="left" if name == "preset" else "right", no_wrap=True)
    for one in found:
        for place, surge in enumerate(one.surges):
            # What is the preset's own stands once, beside its first surge.
            name, *own = ("", "", "") if place else _own(one)
            shown.add_row(name, *_surge(surge), *own)
    show_table(shown)
    for one in found:
        say(f"{one.cause}: {one.title}. {one.because}", "  ")


PRESET = (
    "preset", "typical", "high", "after", "for", "rises in", "halves in", "handling",
    "learned from",
)  # fmt: skip


def _own(preset: Preset) -> tuple[str, str, str]:
    return preset.cause, f"x {preset.handling:.2f}", f"{preset.learned_from:,}"


def _surge(surge: SurgeTemplate) -> tuple[str, ...]:
    minutes = (surge.after_min, surge.length_min, surge.rise_min, surge.half_life_min)
    times = (duration(one) if one else "-" for one in minutes)
    return f"x {surge.typical:g}", f"x {surge.high:g}", *times


def _preset(store: Store, cause: str, queues: Sequence[str], *, high: bool) -> Preset:
    from api.planning.whatif import presets

    one_queue = queues[0] if len(queues) == 1 else None
    found = {one.cause: one for one in presets.presets(store, queue=one_queue, high=high)}
    preset = next((one for name, one in found.items() if name == cause), None)
    if preset is None:
        raise NotFound(f"there is no preset {cause[:40]!r}; choose {', '.join(found)}")
    return preset
