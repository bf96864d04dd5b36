"""What could be done about what-if scenarios: ranked at once or by a job, and added to them.

Both give the same document. At once it comes from the service's own roster, which is kept ready; a
job tells its progress and can be cancelled, but waits for its turn and loads all anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response

from api.deps import StoreDep
from api.routes.jobs import JobOut, Submit, Submitting
from api.routes.rosterwire import IfMatch, Planner, revision_in
from api.routes.scenarioanswers import SavedOut, etag_of, saved_out
from api.routes.scenariowire import (
    ApplyOrder,
    Replications,
    RosterName,
    ScenarioId,
    ScenarioOrder,
    scenario_of,
)

if TYPE_CHECKING:
    from api.planning.whatif.saved import SavedScenario
    from scheduling.whatif.scenario import Scenario
    from wfm.store.engine import Store

router = APIRouter(prefix="/scenarios", tags=["scenarios"])


# -- at once -------------------------------------------------------------------------------------


@router.post("/rank")
def rank_for_document(
    order: ScenarioOrder,
    store: StoreDep,
    _caller: Planner,
    roster: RosterName = "current",
    replications: Replications = 50,
) -> dict[str, Any]:
    """What could be done about a scenario, the best first; in seconds, and nothing is kept.

    Each of `ranked` has its repair as `POST /scenarios/{id}/apply` takes it; `together` is the
    small set that restores the promise.
    """
    return _ranked(store, scenario_of(order, store, roster), roster, replications)


@router.post("/{scenario_id}/rank")
def rank_for_scenario(
    scenario_id: ScenarioId, store: StoreDep, _caller: Planner, replications: Replications = 50
) -> dict[str, Any]:
    """`POST /scenarios/rank` for a saved scenario; 409 when its roster has been superseded."""
    from api.planning.whatif import scenarios

    return _ranked(store, scenarios.load(store, scenario_id), "", replications)


def _ranked(
    store: Store, asked: SavedScenario | Scenario, roster: str, replications: int
) -> dict[str, Any]:
    from api.planning.whatif import scenarios
    from wfm.store.documents import to_document

    found = scenarios.repairs(store, asked, which=roster, replications=replications)
    document: dict[str, Any] = to_document(found)
    return document


# -- by a job ------------------------------------------------------------------------------------


@router.post("/repairs", status_code=202)
def repairs_of_document(
    order: ScenarioOrder,
    store: StoreDep,
    submit: Submitting,
    roster: RosterName = "current",
    replications: Replications = 50,
) -> JobOut:
    """Submit a job that ranks what could be done about a scenario; its address is in `Location`.

    Its result is what `POST /scenarios/rank` answers.
    """
    asked = scenario_of(order, store, roster)
    return _submitted(store, submit, asked, roster, replications)


@router.post("/{scenario_id}/repairs", status_code=202)
def repairs_of_scenario(
    scenario_id: ScenarioId,
    store: StoreDep,
    submit: Submitting,
    replications: Replications = 50,
) -> JobOut:
    """Submit a job as `POST /scenarios/repairs` does; 409 when the roster was superseded."""
    from api.planning.whatif import scenarios

    saved = scenarios.load(store, scenario_id)
    scenario, roster = scenarios.in_question(store, saved)
    return _submitted(store, submit, scenario, roster, replications)


def _submitted(
    store: Store, submit: Submit, scenario: Scenario, roster: str, replications: int
) -> JobOut:
    """The job's request is refused here for what it would fail with."""
    from api.planning.drafts import rostered
    from api.planning.whatif.fitting import check_fits
    from api.planning.whatif.scenarios import RepairsRequest

    check_fits(scenario, rostered(store, roster))
    return submit("repairs", RepairsRequest(scenario, roster, replications).to_document())


# -- added ---------------------------------------------------------------------------------------


@router.post("/{scenario_id}/apply")
def apply_repairs(
    scenario_id: ScenarioId,
    order: ApplyOrder,
    response: Response,
    store: StoreDep,
    caller: Planner,
    if_match: IfMatch = None,
) -> SavedOut:
    """Add what repairs do to a scenario; 422 `rule_conflict` where a rule forbids one of them."""
    from api.planning.whatif import scenarios

    revision = revision_in(if_match, scenario_id, "scenario")
    changed = scenarios.apply(
        store, scenario_id, order.chosen, actor=caller.actor, revision=revision
    )
    response.headers["ETag"] = etag_of(changed)
    return saved_out(changed)
