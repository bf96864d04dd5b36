"""The two ends of a planning run: load its inputs from the store, keep its plan there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import pandas as pd

from api.planning.asked import check_seed, check_start, check_weeks, id_in
from api.planning.plan import Plan, PlanInputs
from scheduling.certificate import Certificate
from scheduling.fairness import ledger_start
from wfm.brands import Brand
from wfm.errors import DataError, RequestError
from wfm.ingest.history import load_volumes
from wfm.people import PERIODS_FROM
from wfm.store import adjustments, forecasts, marks, plans
from wfm.store.brands import load_brand
from wfm.store.campaigns import load_campaigns
from wfm.store.engine import Store
from wfm.store.people import load_agents
from wfm.store.plans import FrameName, PlanRow
from wfm.timegrid import local_day, local_midnight

# A certificate is as exact as anyone can use long before this, and each path costs time.
MAX_REPLICATIONS = 2_000

# What a roster must know of the one before: rest, consecutive days and weekends reach back, and a
# period that runs when it starts is counted whole.
HISTORY = timedelta(weeks=4)


@dataclass(frozen=True)
class PlanRequest:
    """What a planner asks for.

    start         first local day of the plan, in the site's zone
    weeks         1 to 8
    replications  sampled paths that the certificate simulates, 2 to 2,000
    models        forecasting models to choose from; None: all
    publish       publish the plan when it is done
    """

    start: date
    weeks: int = 4
    seed: int = 1
    replications: int = 200
    models: tuple[str, ...] | None = None
    publish: bool = False

    def __post_init__(self) -> None:
        check_weeks("plan", self.weeks)
        if not 2 <= self.replications <= MAX_REPLICATIONS:
            raise RequestError(
                f"replications is {self.replications}; it lies between 2 and {MAX_REPLICATIONS:,}"
            )
        check_seed(self.seed)
        check_start("plan", self.start)

    def to_document(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat(),
            "weeks": self.weeks,
            "seed": self.seed,
            "replications": self.replications,
            "models": None if self.models is None else list(self.models),
            "publish": self.publish,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> PlanRequest:
        models = document.get("models")
        return cls(
            start=date.fromisoformat(document["start"]),
            weeks=int(document.get("weeks", 4)),
            seed=int(document.get("seed", 1)),
            replications=int(document.get("replications", 200)),
            models=None if models is None else tuple(models),
            publish=bool(document.get("publish", False)),
        )


def load(store: Store, request: PlanRequest) -> PlanInputs:
    """Everything `compute_plan` needs, in one consistent view.

    History is what happened before the plan's first day, so that planning the past again does not
    see its own future. Raises NotFound without a brand, DataError without agents or volumes.
    """
    with store.reading() as connection:
        brand = load_brand(connection)
        start = local_midnight(request.start, brand.tz)
        end = local_midnight(request.start + timedelta(weeks=request.weeks), brand.tz)
        agents = load_agents(connection)
        if not agents:
            raise DataError("there are no agents to roster; run `wfm import agents FILE`")
        volumes = load_volumes(connection, end=start)
        if volumes.empty:
            raise DataError(
                f"there are no volumes before {request.start}; run `wfm import volumes FILE` "
                "or choose a later --from"
            )
        return PlanInputs(
            brand=brand,
            agents=agents,
            campaigns=load_campaigns(connection),
            volumes=volumes,
            history=plans.published_roster(
                connection,
                start=min(rules_since(brand, start), ledger_start(brand, until=start)),
                end=start,
            ),
            start=start,
            end=end,
            seed=request.seed,
            replications=request.replications,
            models=request.models,
            marks=marks.load(connection),
            incumbents=forecasts.incumbents(connection, before=start),
            adjustments=adjustments.load(connection, start=start, end=end),
        )


def rules_since(brand: Brand, start: datetime) -> datetime:
    """How far back the rules of a roster from `start` on look.

    Four weeks, and four before the running period of every contract.
    """
    day = local_day(start, brand.tz)
    running = (
        day - timedelta(days=(day - PERIODS_FROM).days % (7 * contract.period_weeks))
        for contract in brand.contracts
    )
    return local_midnight(min(running, default=day), brand.tz) - HISTORY


def default_start(store: Store) -> date:
    """The first whole local day after now: where a plan begins when nobody says."""
    with store.reading() as connection:
        brand = load_brand(connection)
    now = store.clock.now()
    today = local_day(now, brand.tz)
    return today if local_midnight(today, brand.tz) == now else today + timedelta(days=1)


def save_draft(store: Store, plan: Plan, actor: str, *, job_id: str | None = None) -> int:
    """Keep the plan as a draft, whole or not at all; gives its id.

    job_id  the job that made it: `plans.made_by` finds the plan by it
    """
    with store.writing(actor) as writing:
        marks.keep(writing, plan.proposed)
        return plans.insert_draft(
            writing,
            job_id=job_id,
            start=plan.start,
            end=plan.end,
            seed=plan.seed,
            lineage=plan.lineage,
            summary=plan.summary,
            certificate=plan.certificate.to_document(),
            forecast=plan.version,
            frames={
                "requirement": plan.requirement,
                "roster": plan.roster,
                "staffing": plan.staffing,
                "on_shift": plan.on_shift,
            },
        )


def publish(store: Store, plan_id: int, actor: str) -> int:
    """Make a draft the roster in force; gives its version."""
    with store.writing(actor) as writing:
        return plans.publish(writing, plan_id)


Which = int | Literal["current", "latest"]


def which_plan(text: str) -> Which:
    """Read a plan's name as people write it: an id, `latest` or `current`."""
    if text == "latest":
        return "latest"
    if text == "current":
        return "current"
    named = id_in(text)
    if named is not None:
        return named
    raise RequestError(f"{text[:40]!r} names no plan; give an id, latest or current")


@dataclass(frozen=True)
class StoredPlan(PlanRow):
    """A plan as it is kept; its tables and its certificate are read when asked for."""

    store: Store = field(repr=False)

    @cached_property
    def certificate_document(self) -> dict[str, Any]:
        with self.store.reading() as connection:
            return plans.certificate_document(connection, self.plan_id)

    @cached_property
    def certificate(self) -> Certificate:
        return Certificate.from_document(self.certificate_document)

    def forecast(self, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        return self._frame("forecast", start, end)

    def parts(self, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        return self._frame("parts", start, end)

    def requirement(
        self, start: datetime | None = None, end: datetime | None = None
    ) -> pd.DataFrame:
        return self._frame("requirement", start, end)

    def roster(self, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        return self._frame("roster", start, end)

    def staffing(self, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        return self._frame("staffing", start, end)

    def on_shift(self, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        return self._frame("on_shift", start, end)

    def _frame(self, name: FrameName, start: datetime | None, end: datetime | None) -> pd.DataFrame:
        with self.store.reading() as connection:
            return plans.read_frame(connection, name, self.plan_id, start=start, end=end)


def load_plan(store: Store, which: Which) -> StoredPlan:
    """The plan with the id, the one in force ("current") or the newest of any state ("latest")."""
    with store.reading() as connection:
        row = plans.find(connection, which)
    return StoredPlan(**vars(row), store=store)
