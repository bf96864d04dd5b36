"""Scenarios that people keep: saved, changed, evaluated, compared, repaired, taken to a new plan.

A saved scenario is about one plan's roster. Where another plan of those days has been published
since, it must be taken over to that (`rebase`) before it is asked again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from api.planning.drafts import rostered
from api.planning.rostered import Rostered
from api.planning.whatif.fitting import check_fits
from api.planning.whatif.saved import (
    SavedScenario,
    check_current,
    check_name,
    find_open,
    saved_of,
    superseding,
)
from api.planning.whatif.situations import situation_for
from scheduling.whatif.candidates import candidates
from scheduling.whatif.evaluate import evaluate
from scheduling.whatif.ranking import ranked_repairs
from scheduling.whatif.results import Evaluation, Repair, Repairs
from scheduling.whatif.scenario import Scenario, joined
from wfm.errors import Conflict, RequestError
from wfm.progress import Progress, part, silent
from wfm.store import plans, scenarios
from wfm.store.documents import from_document, to_document
from wfm.store.engine import Store
from wfm.store.scenarios import ScenarioRow, ScenarioState

__all__ = [
    "Comparison", "RepairsRequest", "SavedScenario", "apply", "archive", "change", "compared",
    "evaluated", "listing", "load", "rebase", "repairs", "save",
]  # fmt: skip

REPLICATIONS = 50
COMPARED = range(2, 5)


@dataclass(frozen=True)
class Comparison:
    """Scenarios of one plan side by side, over the same hours and sampled days."""

    saved: tuple[SavedScenario, ...]
    evaluations: tuple[Evaluation, ...]


@dataclass(frozen=True)
class RepairsRequest:
    """What a job of the kind "repairs" is asked for.

    which  the roster, named as `drafts.rostered` does
    """

    scenario: Scenario
    which: str = "current"
    replications: int = REPLICATIONS

    def to_document(self) -> dict[str, Any]:
        document: dict[str, Any] = to_document(self)
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RepairsRequest:
        return from_document(cls, document)


# -- keeping -------------------------------------------------------------------------------------


def save(
    store: Store, scenario: Scenario, *, actor: str, plan_id: int | None = None
) -> SavedScenario:
    """Keep the scenario under its name.

    plan_id  the plan that it is about; None: the one in force

    RequestError without a name, and what `fitting.check_fits` raises. Then nothing is kept.
    """
    name = _name_of(scenario)
    home = rostered(store, "current" if plan_id is None else plan_id)
    check_fits(scenario, home)
    with store.writing(actor) as writing:
        scenario_id = scenarios.insert(
            writing, home.plan.plan_id, name=name, document=_document(scenario, name)
        )
        return saved_of(scenarios.find(writing.connection, scenario_id))


def load(store: Store, scenario_id: int) -> SavedScenario:
    """The saved scenario; NotFound when there is none."""
    with store.reading() as connection:
        return saved_of(scenarios.find(connection, scenario_id))


def listing(
    store: Store,
    state: ScenarioState | None = None,
    *,
    limit: int = 50,
    before: int | None = None,
) -> tuple[SavedScenario, ...]:
    """Scenarios of a state or of all, the newest first; `before` continues after that id."""
    with store.reading() as connection:
        rows = scenarios.listing(connection, state=state, limit=limit, before=before)
    return tuple(saved_of(row) for row in rows)


def change(
    store: Store,
    scenario_id: int,
    scenario: Scenario,
    *,
    actor: str,
    revision: int | None = None,
) -> SavedScenario:
    """Put another scenario in the saved one's place.

    revision  the one that the change is meant for; None: whatever it is now

    LostEdit when it has another revision, IllegalMove when it is not open; errors of `save`.
    """
    held = find_open(store, scenario_id, revision)
    return _rewritten(store, held, scenario, actor=actor)


def archive(
    store: Store, scenario_id: int, *, actor: str, revision: int | None = None
) -> SavedScenario:
    """Lay the scenario aside; it stays on record. LostEdit and IllegalMove of `change`."""
    held = find_open(store, scenario_id, revision)
    with store.writing(actor) as writing:
        scenarios.archive(writing, held)
        return saved_of(scenarios.find(writing.connection, scenario_id))


def apply(
    store: Store,
    scenario_id: int,
    repairs: Sequence[Repair],
    *,
    actor: str,
    revision: int | None = None,
) -> SavedScenario:
    """Add what the repairs do to the scenario.

    RequestError where two change the same agent-day, RuleConflict where a rule forbids it, Conflict
    when its plan has been superseded; errors of `change`. Then none of them is added.
    """
    held = find_open(store, scenario_id, revision)
    scenario, _ = in_question(store, saved_of(held))
    for repair in repairs:
        scenario = joined(scenario, repair.does)
    return _rewritten(store, held, scenario, actor=actor, action="apply")


def rebase(
    store: Store, scenario_id: int, *, actor: str, revision: int | None = None
) -> SavedScenario:
    """The same scenario about the roster that is in force for its plan's days by now.

    Nothing changes where that is its own plan. Conflict naming what does not fit: parts outside of
    the new plan's days, changes of shifts that are others now; RuleConflict where its changes break
    rules there. LostEdit and IllegalMove of `change`.
    """
    held = find_open(store, scenario_id, revision)
    with store.reading() as connection:
        own = plans.find(connection, held.plan_id)
        newer = superseding(connection, held.plan_id)
        if newer is None and own.version is None:
            newer = plans.find(connection, "current")
    saved = saved_of(held)
    if newer is None:
        return saved
    home = rostered(store, newer.plan_id)
    try:
        check_fits(saved.scenario, home)
    except RequestError as error:
        raise Conflict(
            f"scenario {scenario_id} does not fit plan {newer.plan_id}: {error}",
            **{**error.details, "scenario_id": scenario_id, "plan_id": newer.plan_id},
        ) from error
    return _rewritten(store, held, saved.scenario, actor=actor, action="rebase", home=home)


def _rewritten(
    store: Store,
    held: ScenarioRow,
    scenario: Scenario,
    *,
    actor: str,
    action: str = "change",
    home: Rostered | None = None,
) -> SavedScenario:
    """The scenario in the place of the one held; of `home` where that was checked already."""
    name = _name_of(scenario)
    if home is None:
        home = rostered(store, held.plan_id)
        check_fits(scenario, home)
    with store.writing(actor) as writing:
        scenarios.rewrite(
            writing,
            held,
            name=name,
            document=_document(scenario, name),
            plan_id=home.plan.plan_id,
            action=action,
        )
        return saved_of(scenarios.find(writing.connection, held.scenario_id))


def _document(scenario: Scenario, name: str) -> dict[str, Any]:
    document: dict[str, Any] = to_document(replace(scenario, name=name))
    return document


def _name_of(scenario: Scenario) -> str:
    name = scenario.name.strip()
    if not name:
        raise RequestError("give the scenario a name, so that it can be found again")
    check_name(name)
    return name


# -- asking --------------------------------------------------------------------------------------


def evaluated(
    store: Store,
    asked: SavedScenario | Scenario,
    *,
    replications: int = REPLICATIONS,
    which: str = "current",
    progress: Progress = silent,
) -> Evaluation:
    """What the scenario does to its roster.

    which  of a scenario that is not saved: the roster, named as `drafts.rostered` does

    Conflict when the plan of a saved one has been superseded; errors of `fitting.check_fits`.
    """
    scenario, roster = in_question(store, asked, which)
    progress(0.0, "loading the roster")
    situation = situation_for(store, roster)
    return evaluate(
        situation, scenario, replications=replications, progress=part(progress, 0.1, 1.0)
    )


def repairs(
    store: Store,
    asked: SavedScenario | Scenario,
    *,
    which: str = "current",
    replications: int = REPLICATIONS,
    progress: Progress = silent,
) -> Repairs:
    """What could be done about the scenario, the best first.

    Arguments and errors of `evaluated`.
    """
    scenario, roster = in_question(store, asked, which)
    progress(0.0, "loading the roster")
    situation = situation_for(store, roster)
    progress(0.1, "simulating the scenario")
    evaluation = evaluate(situation, scenario, replications=replications)
    progress(0.3, "looking for repairs")
    found, refused = candidates(situation, scenario, evaluation)
    return ranked_repairs(
        situation,
        scenario,
        found,
        refused=refused,
        replications=replications,
        progress=part(progress, 0.35, 1.0),
    )


def compared(
    store: Store,
    scenario_ids: Sequence[int],
    *,
    replications: int = REPLICATIONS,
    progress: Progress = silent,
) -> Comparison:
    """Two to four saved scenarios of one plan, over the same hours.

    RequestError for another number of them, one that is named twice, or scenarios of several plans;
    errors of `evaluated`.
    """
    if len(set(scenario_ids)) != len(scenario_ids) or len(scenario_ids) not in COMPARED:
        named = ", ".join(map(str, scenario_ids)) or "none"
        raise RequestError(
            f"name {COMPARED[0]} to {COMPARED[-1]} different scenarios to compare, not {named}"
        )
    saved = tuple(load(store, scenario_id) for scenario_id in scenario_ids)
    if len({one.plan_id for one in saved}) > 1:
        told = "; ".join(f"{one.scenario_id} of plan {one.plan_id}" for one in saved)
        raise RequestError(
            f"scenarios of different plans cannot be compared ({told}); take them over to one "
            "plan with `wfm whatif rebase`"
        )
    asked = [in_question(store, one) for one in saved]
    progress(0.0, "loading the roster")
    situation = situation_for(store, asked[0][1])
    among = tuple(scenario for scenario, _ in asked)
    found = []
    for number, one in enumerate(among):
        progress(0.1 + 0.8 * number / len(among), f"simulating {one.name}")
        found.append(evaluate(situation, one, replications=replications, among=among))
    # Of one that takes longer to recover more hours are seen; the others are watched as long.
    until = max(evaluation.end for evaluation in found)
    return Comparison(
        saved,
        tuple(
            evaluation
            if evaluation.end == until
            else evaluate(situation, one, replications=replications, among=among, until=until)
            for one, evaluation in zip(among, found, strict=True)
        ),
    )


def in_question(
    store: Store, asked: SavedScenario | Scenario, which: str = "current"
) -> tuple[Scenario, str]:
    """The scenario and the name of its roster; Conflict where the plan has been superseded.

    One that is not saved is held to what saving it would be: errors of `fitting.check_fits`.
    """
    if isinstance(asked, Scenario):
        check_fits(asked, rostered(store, which))
        return asked, which
    with store.reading() as connection:
        check_current(connection, asked)
    return asked.scenario, str(asked.plan_id)
