"""What the console shows, read from the store: the one place of its data access.

A plan is immutable once written, so its tables are kept in the process by its id; only which plan
is shown, the brand and the clock are read anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pandas as pd

from api.planning import records, whatif
from api.planning.whatif import Spike, WhatIfResult
from forecasting.scenarios import Noise, paths_from
from scheduling.certificate import Certificate
from wfm.brands import Brand
from wfm.campaigns import Campaign
from wfm.errors import NotFound
from wfm.ingest.history import load_volumes
from wfm.paths import Paths
from wfm.people import Agent
from wfm.store.brands import load_brand
from wfm.store.campaigns import load_campaigns
from wfm.store.engine import Store
from wfm.store.people import load_agents
from wfm.store.plans import PlanState
from wfm.timegrid import SystemClock

KEPT_PLANS = 4
BAND_PATHS = 200


@dataclass(frozen=True)
class Now:
    """What time it is for the user, and whether the clock was set."""

    instant: datetime
    is_set: bool


@dataclass(frozen=True)
class Tables:
    """A plan's tables and certificate; `hours` is its first responses inside the window, by hour.

    hours  start, queue ("" for all together), attainment, cases
    paths  sampled futures that the bands of hours and of all queues are read off
    """

    forecast: pd.DataFrame = field(repr=False)
    paths: Paths = field(repr=False)
    requirement: pd.DataFrame = field(repr=False)
    roster: pd.DataFrame = field(repr=False)
    staffing: pd.DataFrame = field(repr=False)
    hours: pd.DataFrame = field(repr=False)
    certificate: Certificate = field(repr=False)


@dataclass(frozen=True)
class PlanView:
    """The plan that is shown: the published one, else the newest draft."""

    plan_id: int
    state: PlanState
    version: int | None
    start: datetime
    end: datetime
    seed: int
    summary: Mapping[str, Any]
    tables: Tables

    @property
    def messages(self) -> list[str]:
        return [str(m) for m in self.summary.get("messages", [])]


class Views:
    """Reads for one console, from any of its threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables: OrderedDict[int, Tables] = OrderedDict()
        self._lock = threading.Lock()

    def now(self) -> Now:
        clock = self._store.clock
        return Now(clock.now(), not isinstance(clock, SystemClock) or clock.is_set)

    def brand(self) -> Brand | None:
        """The brand, or None before one is imported."""
        with self._store.reading() as connection:
            try:
                return load_brand(connection)
            except NotFound:
                return None

    def agents(self) -> tuple[Agent, ...]:
        with self._store.reading() as connection:
            return load_agents(connection)

    def campaigns(self) -> tuple[Campaign, ...]:
        with self._store.reading() as connection:
            return load_campaigns(connection)

    def history(self, start: datetime, end: datetime) -> pd.DataFrame:
        """VOLUMES of [start, end)."""
        with self._store.reading() as connection:
            return load_volumes(connection, start=start, end=end)

    def plan(self) -> PlanView | None:
        """The published plan, else the newest draft, else None."""
        stored = self._stored("current") or self._stored("latest")
        if stored is None:
            return None
        return PlanView(
            plan_id=stored.plan_id,
            state=stored.state,
            version=stored.version,
            start=stored.start,
            end=stored.end,
            seed=stored.seed,
            summary=stored.summary,
            tables=self._tables_of(stored),
        )

    def what_if(self, day: date, spike: Spike) -> WhatIfResult:
        """Rehearse the spike on the published roster of the day; WfmError where it cannot be."""
        return whatif.evaluate(whatif.load_base(self._store, day), spike)

    def _stored(self, which: records.Which) -> records.StoredPlan | None:
        try:
            return records.load_plan(self._store, which)
        except NotFound:
            return None

    def _tables_of(self, stored: records.StoredPlan) -> Tables:
        # One thread reads a plan's tables; the others wait and find them.
        with self._lock:
            if stored.plan_id not in self._tables:
                self._tables[stored.plan_id] = _tables(stored)
                while len(self._tables) > KEPT_PLANS:
                    self._tables.popitem(last=False)
            return self._tables[stored.plan_id]


def _tables(stored: records.StoredPlan) -> Tables:
    hours = stored.certificate.table("hour")
    forecast = stored.forecast()
    noise = Noise.from_document(stored.lineage["noise"])
    return Tables(
        forecast=forecast,
        paths=paths_from(forecast, noise, count=BAND_PATHS, seed=stored.seed),
        requirement=stored.requirement(),
        roster=stored.roster(),
        staffing=stored.staffing(),
        hours=hours[hours["goal"] == "goal"].reset_index(drop=True),
        certificate=stored.certificate,
    )
