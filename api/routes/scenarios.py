"""What-if scenarios: kept, evaluated at once, compared, promoted; repaired in `scenariorepairs`.

`GET /scenarios/presets` and `POST /scenarios/evaluate` come before `/scenarios/{scenario_id}`. A
roster is named by a plan's id, `latest`, `current`, or as `draft-5`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Response

from api.deps import MAX_ID, StoreDep
from api.routes.paging import Before, Limit, page_of
from api.routes.rosterwire import IfMatch, Planner, Reader, revision_in
from api.routes.scenarioanswers import (
    CampaignOut,
    ComparedOut,
    EvaluationOut,
    PromotedOut,
    SavedList,
    SavedOut,
    etag_of,
    evaluation_out,
    saved_out,
)
from api.routes.scenariowire import (
    PromoteOrder,
    Replications,
    RosterName,
    ScenarioId,
    ScenarioOrder,
    scenario_of,
)
from wfm.errors import RequestError
from wfm.store.scenarios import ScenarioState

if TYPE_CHECKING:
    from api.planning.whatif.scenarios import SavedScenario

router = APIRouter(prefix="/scenarios", tags=["scenarios"])

PlanId = Annotated[int | None, Query(ge=1, le=MAX_ID, description="the plan in force without it")]
WithTable = Annotated[bool, Query(description="the curves by interval and queue too")]


def _answer(saved: SavedScenario, response: Response) -> SavedOut:
    response.headers["ETag"] = etag_of(saved)
    return saved_out(saved)


# -- asked at once -------------------------------------------------------------------------------


@router.get("/presets")
def list_presets(
    store: StoreDep,
    _caller: Reader,
    queue: Annotated[str | None, Query(max_length=80)] = None,
    high: Annotated[bool, Query(description="as large as one in ten gets, not as usual")] = False,
) -> dict[str, Any]:
    """What usually comes of each cause, by what past spikes taught; templates for scenarios."""
    from api.planning.whatif.presets import presets  # late: loads the planning libraries
    from wfm.store.documents import to_document

    return {"items": to_document(presets(store, queue=queue, high=high))}


@router.get("/compare")
def compare_scenarios(
    store: StoreDep,
    _caller: Reader,
    ids: Annotated[str, Query(max_length=60, description="two to four, as 1,2,3")],
    replications: Replications = 50,
    table: WithTable = False,
) -> ComparedOut:
    """Two to four saved scenarios of one plan, over the same hours and sampled days."""
    from api.planning.whatif import scenarios

    found = scenarios.compared(store, _numbers(ids), replications=replications)
    return ComparedOut(
        items=[saved_out(one) for one in found.saved],
        evaluations=[
            evaluation_out(evaluation, table=table, scenario_id=one.scenario_id)
            for one, evaluation in zip(found.saved, found.evaluations, strict=True)
        ],
    )


def _numbers(ids: str) -> list[int]:
    parts = [part.strip() for part in ids.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) <= MAX_ID for part in parts):
        raise RequestError(f"ids is {ids!r}; name the scenarios by their numbers, as 1,2,3")
    return [int(part) for part in parts]


@router.post("/evaluate")
def evaluate_document(
    order: ScenarioOrder,
    store: StoreDep,
    _caller: Reader,
    roster: RosterName = "current",
    replications: Replications = 50,
    table: WithTable = False,
) -> EvaluationOut:
    """What a scenario does to a roster; nothing is kept."""
    from api.planning.whatif import scenarios

    asked = scenario_of(order, store, roster)
    done = scenarios.evaluated(store, asked, replications=replications, which=roster)
    return evaluation_out(done, table=table)


# -- kept ----------------------------------------------------------------------------------------


@router.post("", status_code=201)
def save_scenario(
    order: ScenarioOrder,
    response: Response,
    store: StoreDep,
    caller: Planner,
    plan_id: PlanId = None,
) -> SavedOut:
    """Keep a scenario under its name; its address is in `Location`."""
    from api.planning.whatif import scenarios

    wanted = scenario_of(order, store, plan_id or "current")
    saved = scenarios.save(store, wanted, actor=caller.actor, plan_id=plan_id)
    response.headers["Location"] = f"/api/v1/scenarios/{saved.scenario_id}"
    return _answer(saved, response)


@router.get("")
def list_scenarios(
    store: StoreDep,
    _caller: Reader,
    state: ScenarioState | None = None,
    limit: Limit = 50,
    before: Before = None,
) -> SavedList:
    """Scenarios of all states or of one."""
    from api.planning.whatif import scenarios

    found = scenarios.listing(store, state, limit=limit + 1, before=before)
    page, following = page_of(found, limit, lambda one: one.scenario_id)
    return SavedList(items=[saved_out(one) for one in page], next=following)


@router.get("/{scenario_id}")
def get_scenario(
    scenario_id: ScenarioId, response: Response, store: StoreDep, _caller: Reader
) -> SavedOut:
    """A saved scenario."""
    from api.planning.whatif import scenarios

    return _answer(scenarios.load(store, scenario_id), response)


@router.put("/{scenario_id}")
def change_scenario(
    scenario_id: ScenarioId,
    order: ScenarioOrder,
    response: Response,
    store: StoreDep,
    caller: Planner,
    if_match: IfMatch = None,
) -> SavedOut:
    """Put another in its place; 412 with the current revision when `If-Match` names another."""
    from api.planning.whatif import scenarios

    revision = revision_in(if_match, scenario_id, "scenario")
    held = scenarios.load(store, scenario_id)
    wanted = scenario_of(order, store, held.plan_id)
    changed = scenarios.change(store, scenario_id, wanted, actor=caller.actor, revision=revision)
    return _answer(changed, response)


@router.delete("/{scenario_id}")
def archive_scenario(
    scenario_id: ScenarioId,
    response: Response,
    store: StoreDep,
    caller: Planner,
    if_match: IfMatch = None,
) -> SavedOut:
    """Lay a scenario aside; it stays on record."""
    from api.planning.whatif import scenarios

    revision = revision_in(if_match, scenario_id, "scenario")
    archived = scenarios.archive(store, scenario_id, actor=caller.actor, revision=revision)
    return _answer(archived, response)


@router.post("/{scenario_id}/evaluate")
def evaluate_scenario(
    scenario_id: ScenarioId,
    store: StoreDep,
    _caller: Reader,
    replications: Replications = 50,
    table: WithTable = False,
) -> EvaluationOut:
    """What a saved scenario does to its roster; 409 when that has been superseded."""
    from api.planning.whatif import scenarios

    saved = scenarios.load(store, scenario_id)
    done = scenarios.evaluated(store, saved, replications=replications)
    return evaluation_out(done, table=table, scenario_id=scenario_id)


@router.post("/{scenario_id}/rebase")
def rebase_scenario(
    scenario_id: ScenarioId,
    response: Response,
    store: StoreDep,
    caller: Planner,
    if_match: IfMatch = None,
) -> SavedOut:
    """Take a scenario over to the plan in force; 409 naming what does not fit there."""
    from api.planning.whatif import scenarios

    revision = revision_in(if_match, scenario_id, "scenario")
    moved = scenarios.rebase(store, scenario_id, actor=caller.actor, revision=revision)
    return _answer(moved, response)


@router.post("/{scenario_id}/promote")
def promote_scenario(
    scenario_id: ScenarioId,
    order: PromoteOrder,
    response: Response,
    store: StoreDep,
    caller: Planner,
    if_match: IfMatch = None,
) -> PromotedOut:
    """Make a scenario's roster changes a draft, or its surges campaigns of the forecast.

    Of two who promote at once the second is told with 409 or 412, and nothing is done twice.
    """
    from api.planning.whatif import promoting

    revision = revision_in(if_match, scenario_id, "scenario")
    draft_id, campaign = None, None
    if order.to == "draft":
        saved, draft_id = promoting.promote_to_draft(
            store, scenario_id, actor=caller.actor, revision=revision
        )
    else:
        saved, made = promoting.promote_to_campaign(
            store,
            scenario_id,
            actor=caller.actor,
            revision=revision,
            name=order.name,
            category=order.category,
        )
        campaign = CampaignOut.model_validate(made)
    return PromotedOut(
        scenario=_answer(saved, response),
        draft_id=draft_id,
        campaign=campaign,
        left_out=list(promoting.left_out(saved.scenario, order.to)),
    )
