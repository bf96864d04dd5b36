"""Scenarios as they are sent: their parts with their ranges; what to do with a saved one."""

from __future__ import annotations

from datetime import UTC, date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.deps import MAX_ID, Moment
from wfm.campaigns import Category
from wfm.order import LATE_RESERVE

if TYPE_CHECKING:
    from scheduling.editing.edits import Edit
    from scheduling.whatif.results import Repair
    from scheduling.whatif.scenario import Scenario
    from wfm.store.engine import Store

# The same figures as in `scheduling.whatif.scenario`, which is loaded late.
MAX_FACTOR = 100.0
MAX_ADDED = 1_000_000.0
WEEK_MIN = 7 * 24 * 60
MAX_HEADS = 500
MAX_PARTS = 50
MAX_NAMES = 5_000
MAX_CHANGES = 2_000

ScenarioId = Annotated[int, Path(ge=1, le=MAX_ID)]
RosterName = Annotated[str, Query(max_length=40, description="an id, latest, current or draft-5")]
Replications = Annotated[int, Query(ge=2, le=200, description="sampled days")]
Name = Annotated[str, Field(min_length=1, max_length=80)]
Queues = Annotated[list[Name], Field(max_length=200, description="names; empty: all")]
Utc = Annotated[Moment, AfterValidator(lambda at: at.astimezone(UTC))]
Share = Annotated[float, Field(ge=0, le=1)]
Minutes = Annotated[float, Field(ge=0, le=WEEK_MIN)]


class Part(BaseModel):
    """A part of a scenario: what it does not know is refused, and so is a number that is none."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, allow_inf_nan=False)


class SurgeWire(Part):
    """Contacts beside the usual, for `length_min` from the start, then halved every half-life.

    `factor` multiplies the usual volume, `added` brings contacts beside it, in all. `cause` is a
    category of campaigns, or empty.
    """

    start: Utc
    length_min: Annotated[int, Field(ge=1, le=WEEK_MIN)]
    queues: Queues = []
    factor: Annotated[float, Field(ge=0, le=MAX_FACTOR)] = 1.0
    added: Annotated[float, Field(ge=0, le=MAX_ADDED)] = 0.0
    rise_min: Minutes = 0.0
    half_life_min: Annotated[float, Field(ge=1, le=WEEK_MIN)] = 60.0
    cause: Category | Literal[""] = ""


class HandlingWire(Part):
    """Handling times of what arrives in [start, end) are `factor` times the usual."""

    start: Utc
    end: Utc
    factor: Annotated[float, Field(ge=0.05, le=20)]
    queues: Queues = []


class AbsenceWire(Part):
    """In [start, end) each agent is away with chance `share`, and these agents for certain."""

    start: Utc
    end: Utc
    share: Share = 0.0
    agents: Annotated[list[Name], Field(max_length=MAX_NAMES)] = []


class ShrinkageWire(Part):
    """The brand's shrinkage, otherwise; null leaves it."""

    planned: Annotated[float, Field(ge=0, le=0.95)] | None = None
    unplanned: Annotated[float, Field(ge=0, le=0.95)] | None = None


class GoalWire(Part):
    """Another promise of first replies; null leaves it. The roster stays as it is."""

    queue: Name
    share: Annotated[float, Field(ge=0.01, le=0.9999)] | None = None
    threshold_s: Annotated[int, Field(ge=1, le=7 * 86_400)] | None = None


class PolicyWire(Part):
    """How queues are worked in [start, end): `automatic` is the share of new cases that an
    automatic answer resolves; `reserve` the share of claims for late cases in spike mode.
    """

    start: Utc
    end: Utc
    queues: Queues = []
    spike_mode: bool | None = None
    reserve: Share = LATE_RESERVE
    automatic: Share = 0.0
    put_off_min: Annotated[int, Field(ge=0, le=WEEK_MIN)] = 0


class ExtraWire(Part):
    """So many more people on these queues in [start, end), from outside the roster."""

    start: Utc
    end: Utc
    heads: Annotated[int, Field(ge=1, le=MAX_HEADS)]
    queues: Queues = []


class LoanWire(Part):
    """Agents who serve these queues too in [start, end), wherever they are on queue."""

    start: Utc
    end: Utc
    agents: Annotated[list[Name], Field(min_length=1, max_length=MAX_NAMES)]
    queues: Annotated[list[Name], Field(min_length=1, max_length=200)]


class SegmentWire(Part):
    """A row of a roster without its agent."""

    start: Utc
    end: Utc
    activity: Name
    queue: Annotated[str, Field(max_length=80)] = ""
    template: Annotated[str, Field(max_length=80)] = ""
    pinned: bool = False


class ChangeWire(Part):
    """What an agent has on a local day, before and after."""

    agent_id: Name
    day: date
    before: Annotated[list[SegmentWire], Field(max_length=100)] = []
    after: Annotated[list[SegmentWire], Field(max_length=100)] = []


_Many = Field(max_length=MAX_PARTS)


class ScenarioWire(Part):
    """What is otherwise than planned; a scenario that holds no part changes nothing."""

    name: Annotated[str, Field(max_length=200)] = ""
    surges: Annotated[list[SurgeWire], _Many] = []
    handling: Annotated[list[HandlingWire], _Many] = []
    absences: Annotated[list[AbsenceWire], _Many] = []
    shrinkage: ShrinkageWire | None = None
    goals: Annotated[list[GoalWire], _Many] = []
    policies: Annotated[list[PolicyWire], _Many] = []
    extra: Annotated[list[ExtraWire], _Many] = []
    loans: Annotated[list[LoanWire], _Many] = []
    changes: Annotated[list[ChangeWire], Field(max_length=MAX_CHANGES)] = []
    known_from: Utc | None = None

    @property
    def scenario(self) -> Scenario:
        """What the planning modules take."""
        from scheduling.whatif.scenario import Scenario
        from wfm.store.documents import from_document

        return from_document(Scenario, self.model_dump(mode="json"))


class ScenarioOrder(ScenarioWire):
    """A scenario as it is sent; all parts may be left out.

    `edits` are edits of the plan's roster, as drafts take them (`POST /drafts/{id}/edits`); they
    become `changes` of it.

        {
          "name": "Viral post at six",
          "surges": [{
            "start": "2026-03-10T17:00:00Z", "length_min": 120, "queues": ["x"],
            "factor": 4.0, "added": 0, "rise_min": 15, "half_life_min": 60, "cause": "viral"
          }],
          "handling": [{
            "start": "2026-03-10T17:00:00Z", "end": "2026-03-10T21:00:00Z", "factor": 1.2,
            "queues": ["x"]
          }],
          "absences": [{
            "start": "2026-03-10T06:00:00Z", "end": "2026-03-10T22:00:00Z", "share": 0.1,
            "agents": ["A017"]
          }],
          "shrinkage": {"planned": null, "unplanned": 0.08},
          "goals": [{"queue": "x", "share": 0.85, "threshold_s": 1200}],
          "policies": [{
            "start": "2026-03-10T17:15:00Z", "end": "2026-03-11T01:00:00Z", "queues": ["x"],
            "spike_mode": true, "reserve": 0.2, "automatic": 0.1, "put_off_min": 0
          }],
          "extra": [{
            "start": "2026-03-10T18:00:00Z", "end": "2026-03-10T22:00:00Z", "heads": 2,
            "queues": ["x"]
          }],
          "loans": [{
            "start": "2026-03-10T17:30:00Z", "end": "2026-03-10T21:00:00Z", "agents": ["A021"],
            "queues": ["x"]
          }],
          "changes": [],
          "edits": [{"kind": "lengthen", "agent_id": "A003", "day": "2026-03-10", "minutes": 60,
                     "by": "end"}],
          "known_from": "2026-03-10T17:00:00Z"
        }
    """

    edits: Annotated[list[dict[str, Any]], Field(max_length=200)] = []

    @property
    def scenario(self) -> Scenario:
        """What the planning modules take, before its edits are made."""
        return ScenarioWire.model_validate(self.model_dump(exclude={"edits"})).scenario

    @property
    def wanted(self) -> list[Edit]:
        """The edits; RequestError for one that is none."""
        from scheduling.editing.edits import edit_from

        return [edit_from(document) for document in self.edits]


def scenario_of(order: ScenarioOrder, store: Store, roster: str | int) -> Scenario:
    """The scenario with its edits made to the roster."""
    from api.planning.drafts import rostered
    from api.planning.whatif.fitting import with_edits

    scenario, edits = order.scenario, order.wanted
    return with_edits(scenario, edits, rostered(store, roster)) if edits else scenario


class RepairWire(Part):
    """A repair, as the result of a job of the kind `repairs` holds it."""

    repair_id: Name
    kind: Name
    title: Annotated[str, Field(max_length=300)]
    reason: Annotated[str, Field(max_length=2000)] = ""
    does: ScenarioWire
    staff_hours: float = 0.0
    people: Annotated[int, Field(ge=0)] = 0


class ApplyOrder(BaseModel):
    """The repairs to add to a scenario."""

    model_config = ConfigDict(extra="forbid")

    repairs: Annotated[list[RepairWire], Field(min_length=1, max_length=40)]

    @property
    def chosen(self) -> list[Repair]:
        from scheduling.whatif.results import Repair
        from wfm.store.documents import from_document

        return [from_document(Repair, one.model_dump(mode="json")) for one in self.repairs]


class PromoteOrder(BaseModel):
    """What a scenario becomes.

    Of a campaign: its `name`, by default the scenario's, and its `category`, by default the cause.
    """

    model_config = ConfigDict(extra="forbid")

    to: Literal["draft", "campaign"]
    name: Annotated[str, Field(max_length=200)] = ""
    category: Category | None = None
