"""Saved what-if scenarios: each one document on a plan, open until it is promoted or archived.

Every change moves the scenario's revision up by one. Who changes names the revision they have seen,
so that of two who change at once one is told, and nothing is lost.

The document is a `scheduling.whatif.scenario.Scenario`, which this layer does not look into.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from wfm.errors import IllegalMove, InternalFault, LostEdit, NotFound
from wfm.store.engine import Writing
from wfm.store.tables import scenarios as table

ScenarioState = Literal["open", "promoted", "archived"]
SCENARIO_STATES: tuple[ScenarioState, ...] = ("open", "promoted", "archived")


@dataclass(frozen=True)
class ScenarioRow:
    """A saved scenario as it is kept.

    plan_id            the plan whose roster it is about
    draft_id           the draft that its changes of the roster were promoted to
    campaign           name of the first campaign that its surges were promoted to
    actor, written_at  of the last change
    """

    scenario_id: int
    plan_id: int
    revision: int
    name: str
    state: ScenarioState
    document: dict[str, Any] = field(repr=False)
    draft_id: int | None
    campaign: str | None
    actor: str
    written_at: datetime


_c = table.c
_ROW = (
    _c.scenario_id, _c.plan_id, _c.revision, _c.name, _c.state, _c.document, _c.draft_id,
    _c.campaign, _c.actor, _c.written_at,
)  # fmt: skip


# -- reading -------------------------------------------------------------------------------------


def find(connection: sa.Connection, scenario_id: int) -> ScenarioRow:
    """The scenario with the id; NotFound when there is none."""
    row = connection.execute(sa.select(*_ROW).where(_c.scenario_id == scenario_id)).one_or_none()
    if row is None:
        raise NotFound(
            f"there is no scenario {scenario_id}; `wfm whatif list` shows them",
            scenario_id=scenario_id,
        )
    return ScenarioRow(*tuple(row))


def listing(
    connection: sa.Connection,
    *,
    state: ScenarioState | None = None,
    limit: int = 50,
    before: int | None = None,
) -> list[ScenarioRow]:
    """Scenarios of a state or of all, newest first; `before` continues a listing."""
    query = sa.select(*_ROW)
    if state is not None:
        query = query.where(_c.state == state)
    if before is not None:
        query = query.where(_c.scenario_id < before)
    rows = connection.execute(query.order_by(_c.scenario_id.desc()).limit(limit))
    return [ScenarioRow(*tuple(row)) for row in rows]


# -- changing ------------------------------------------------------------------------------------


def insert(writing: Writing, plan_id: int, *, name: str, document: Mapping[str, Any]) -> int:
    """Keep a scenario about the plan's roster; gives its id."""
    scenario_id: int = writing.connection.scalars(
        table.insert()
        .values(
            plan_id=plan_id,
            name=name,
            state="open",
            revision=0,
            document=dict(document),
            **writing.stamp,
        )
        .returning(_c.scenario_id)
    ).one()
    writing.audit(
        "scenario.save", str(scenario_id), after={"plan": plan_id, "scenario": dict(document)}
    )
    return scenario_id


def rewrite(
    writing: Writing,
    held: ScenarioRow,
    *,
    name: str,
    document: Mapping[str, Any],
    plan_id: int | None = None,
    action: str = "change",
) -> None:
    """Put another document in the open scenario's place.

    held     the scenario as it was read: the change is meant for its revision
    plan_id  the plan that it is about from now on; None: as before
    action   what the audit calls it: "scenario.change"

    LostEdit when the scenario has another revision by now, IllegalMove when it is not open.
    """
    plan = held.plan_id if plan_id is None else plan_id
    _claim(writing, held, name=name, document=dict(document), plan_id=plan)
    writing.audit(
        f"scenario.{action}",
        str(held.scenario_id),
        before={"revision": held.revision, "plan": held.plan_id, "scenario": held.document},
        after={"revision": held.revision + 1, "plan": plan, "scenario": dict(document)},
    )


def archive(writing: Writing, held: ScenarioRow) -> None:
    """Lay the scenario aside; it stays on record. Errors of `rewrite`."""
    _claim(writing, held, state="archived")
    writing.audit("scenario.archive", str(held.scenario_id), before={"state": "open"})


def note_promoted(
    writing: Writing,
    held: ScenarioRow,
    *,
    draft_id: int | None = None,
    campaign: str | None = None,
) -> None:
    """Keep what the scenario became. Errors of `rewrite`."""
    _claim(writing, held, state="promoted", draft_id=draft_id, campaign=campaign)
    writing.audit(
        "scenario.promote",
        str(held.scenario_id),
        before={"state": "open"},
        after={"draft": draft_id} if campaign is None else {"campaign": campaign},
    )


def _claim(writing: Writing, held: ScenarioRow, **values: Any) -> None:
    """Move the open scenario's revision up from the one held; one of those who try at once does."""
    moved = writing.connection.execute(
        table.update()
        .where(_c.scenario_id == held.scenario_id, _c.revision == held.revision, _c.state == "open")
        .values(revision=held.revision + 1, **values, **writing.stamp)
    )
    if moved.rowcount:
        return
    now = find(writing.connection, held.scenario_id)
    check_open(now, held.revision)
    raise InternalFault(
        f"scenario {held.scenario_id} at revision {now.revision} could not be moved up"
    )


def check_open(scenario: ScenarioRow, revision: int) -> None:
    """IllegalMove when the scenario is not open, LostEdit when it is at another revision."""
    if scenario.state != "open":
        became = {
            "promoted": f"promoted to {_became(scenario)} by {scenario.actor}",
            "archived": f"archived by {scenario.actor}",
        }
        raise IllegalMove(
            f"scenario {scenario.scenario_id} was {became[scenario.state]}; save it anew to go on "
            "with it",
            scenario_id=scenario.scenario_id,
            state=scenario.state,
            draft_id=scenario.draft_id,
            campaign=scenario.campaign,
        )
    if scenario.revision != revision:
        raise LostEdit(
            f"scenario {scenario.scenario_id} is at revision {scenario.revision} by "
            f"{scenario.actor}, not at {revision}; read it again",
            scenario_id=scenario.scenario_id,
            revision=scenario.revision,
        )


def _became(scenario: ScenarioRow) -> str:
    if scenario.campaign is not None:
        return f"campaign {scenario.campaign!r}"
    return f"draft {scenario.draft_id}"
