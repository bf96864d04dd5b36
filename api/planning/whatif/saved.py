"""A scenario as it is kept: read, found open, and held against the plans published since."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from scheduling.whatif.scenario import Scenario
from wfm.errors import Conflict, RequestError
from wfm.store import plans, scenarios
from wfm.store.documents import from_document
from wfm.store.engine import Store
from wfm.store.scenarios import ScenarioRow, ScenarioState

if TYPE_CHECKING:
    from sqlalchemy import Connection

MAX_NAME = 200


@dataclass(frozen=True)
class SavedScenario:
    """A scenario that is kept.

    plan_id            the plan whose roster it is about
    revision           goes up with every change
    draft_id           the draft that its changes of the roster were promoted to
    campaign           name of the (first) campaign that its surges were promoted to
    actor, written_at  of the last change
    """

    scenario_id: int
    plan_id: int
    revision: int
    name: str
    state: ScenarioState
    scenario: Scenario = field(repr=False)
    draft_id: int | None
    campaign: str | None
    actor: str
    written_at: datetime


def find_open(store: Store, scenario_id: int, revision: int | None) -> ScenarioRow:
    """The open scenario at the revision (None: whatever it is), as the store keeps it.

    NotFound, IllegalMove, LostEdit.
    """
    with store.reading() as connection:
        held = scenarios.find(connection, scenario_id)
    scenarios.check_open(held, held.revision if revision is None else revision)
    return held


def saved_of(row: ScenarioRow) -> SavedScenario:
    """The saved scenario that the row keeps."""
    values = {name: value for name, value in vars(row).items() if name != "document"}
    return SavedScenario(**values, scenario=from_document(Scenario, row.document))


def check_name(name: str, of: str = "scenario") -> None:
    """RequestError for a name that is too long, or that a database may not hold."""
    if len(name) > MAX_NAME:
        raise RequestError(f"the {of}'s name has {len(name)} characters; at most {MAX_NAME} fit")
    if any(ord(character) < ord(" ") for character in name):
        raise RequestError(f"the {of}'s name holds control characters; leave them out")


def check_current(connection: Connection, saved: SavedScenario) -> None:
    """Conflict when the scenario's plan has been superseded, with the plan in force."""
    newer = superseding(connection, saved.plan_id)
    if newer is not None:
        raise Conflict(
            f"plan {saved.plan_id}, which scenario {saved.scenario_id} is about, has been "
            f"superseded: plan {newer.plan_id} is in force as version {newer.version}. Take the "
            f"scenario over to it with `wfm whatif rebase {saved.scenario_id}`",
            scenario_id=saved.scenario_id,
            superseded=saved.plan_id,
            plan_id=newer.plan_id,
            version=newer.version,
        )


def superseding(connection: Connection, plan_id: int) -> plans.PlanRow | None:
    """The newest plan of these days that was published after the plan; None: it still stands."""
    plan = plans.find(connection, plan_id)
    if plan.version is None:
        return None
    return plans.published_since(connection, plan.version, start=plan.start, end=plan.end)
