"""What the console shows, read from the store: the one place of its data access.

Plans and forecasts are immutable once written, so their tables are kept in the process by their id;
only which of them is shown, the brand, the clock and what people change are read anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from api.console.drafting import Drafting, Shown
from api.console.promises import Promises
from api.console.queueing import Queueing
from api.console.rehearsing import Rehearsing
from api.planning import forecasts, intraday, records
from forecasting.adjust import adjusted
from forecasting.scenarios.paths import Noise, paths_from
from forecasting.scenarios.sums import Calibration, sum_forecast
from forecasting.scoring.accuracy import Accuracy, Step
from scheduling.certificate import Certificate
from wfm.adjustments import Adjustment
from wfm.brands import Brand
from wfm.campaigns import Campaign
from wfm.errors import NotFound, TryLater
from wfm.frames import QUANTILE_COLUMNS
from wfm.ingest.history import load_volumes
from wfm.marks import Mark, MarkState
from wfm.paths import Paths
from wfm.people import Agent
from wfm.store import jobs as job_rows
from wfm.store.adjustments import StoredAdjustment
from wfm.store.brands import load_brand
from wfm.store.campaigns import load_campaigns
from wfm.store.engine import Store
from wfm.store.people import load_agents
from wfm.store.plans import PlanState
from wfm.store.volumes import last_interval
from wfm.timegrid import SystemClock, floor_interval, local_day

if TYPE_CHECKING:
    from api.jobs import Jobs

T = TypeVar("T")

KEPT_PLANS = 4
KEPT_DRAFTS = 4
KEPT_FORECASTS = 6
KEPT_PIECES = 80
KEPT_EFFECTS = 40
BAND_PATHS = 200
LISTED_VERSIONS = 60
TOLD_MARKS = 8
# Older counts than a day say nothing of today.
COUNTED_WITHIN = timedelta(days=1)
FORECAST_JOB = "forecast"


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


@dataclass(frozen=True)
class VersionView:
    """A forecast that was kept, without its tables."""

    forecast_id: int
    kind: str
    queues: tuple[str, ...]
    start: datetime
    end: datetime
    made_at: datetime
    plan_id: int | None = None

    @property
    def afterwards(self) -> bool:
        """Whether it was made when its first day was over."""
        return forecasts.made_afterwards(self.start, self.made_at)


@dataclass(frozen=True, eq=False)
class Piece:
    """A stretch of a kept forecast: FORECAST, and what sums of it are read off.

    calibrations  by the queues of a total, how far its bands lie from those of its paths
    """

    table: pd.DataFrame = field(repr=False)
    noise: Noise = field(repr=False)
    seed: int = 1
    calibrations: Mapping[frozenset[str], Calibration] = field(default_factory=dict, repr=False)
    _bands: dict[tuple[Sequence[str], Step], pd.DataFrame] = field(
        default_factory=dict, init=False, repr=False
    )

    def bands(self, queues: tuple[str, ...], step: Step) -> pd.DataFrame:
        """Mean and quantiles (q025 to q975) of the queues' total by step, indexed by start.

        A single queue's quarter-hours bear the forecast's own quantiles. Of sums no quantile
        follows from those of the parts: see `forecasting.scenarios.sums`.
        """
        if len(queues) == 1 and step == "15min":
            own = self.table[self.table["queue"] == queues[0]]
            return own.set_index("start")[["mean", *QUANTILE_COLUMNS]]
        if (queues, step) not in self._bands:
            total = sum_forecast(
                self.table,
                self.noise,
                queues,
                step=step,
                seed=self.seed,
                calibration=self.calibrations.get(frozenset(queues)),
            )
            self._bands[queues, step] = total.set_index("start")
        return self._bands[queues, step]


@dataclass(frozen=True, eq=False)
class ForecastView:
    """A forecast version as it is shown.

    whole  FORECAST with the adjustments in force, and what its sums are read off
    parts  PARTS of the same
    model  FORECAST as the model gave it
    """

    version: VersionView
    whole: Piece = field(repr=False)
    parts: pd.DataFrame = field(repr=False)
    model: pd.DataFrame = field(repr=False)
    accuracy: tuple[Accuracy, ...] = field(repr=False)
    champions: Mapping[str, str]
    notes: tuple[str, ...] = field(repr=False)
    adjustments: tuple[Adjustment, ...]


@dataclass(frozen=True, eq=False)
class Today:
    """What today's counts have made of the forecast.

    table    FORECAST of the next hours
    reasons  by queue, why it is what it is; each begins with its queue
    """

    table: pd.DataFrame = field(repr=False)
    reasons: Mapping[str, str]


class Views:
    """Reads for one console, from any of its threads; and the changes that planners make.

    jobs  who carries jobs out; without, none can be submitted
    """

    def __init__(self, store: Store, jobs: Jobs | None = None) -> None:
        self._store = store
        self._jobs = jobs
        self.promises = Promises(store, jobs)
        self.drafting = Drafting(store, jobs)
        self.rehearsing = Rehearsing(store)
        self.queueing = Queueing(store)
        self._tables: OrderedDict[int, Tables] = OrderedDict()
        self._shown: OrderedDict[Any, Shown] = OrderedDict()
        self._forecasts: OrderedDict[Any, ForecastView] = OrderedDict()
        self._models: OrderedDict[int, tuple[pd.DataFrame, pd.DataFrame]] = OrderedDict()
        self._pieces: OrderedDict[Any, Piece] = OrderedDict()
        self._updates: OrderedDict[Any, intraday.IntradayForecast | None] = OrderedDict()
        self._effects: OrderedDict[Any, dict[int, float]] = OrderedDict()
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

    def history(
        self, start: datetime, end: datetime, queues: Collection[str] | None = None
    ) -> pd.DataFrame:
        """VOLUMES of [start, end), of all queues or some."""
        with self._store.reading() as connection:
            return load_volumes(connection, start=start, end=end, queues=queues)

    def plan(self) -> PlanView | None:
        """The published plan, else the newest draft, else None."""
        stored = self._stored("current") or self._stored("latest")
        return None if stored is None else self._plan_view(stored)

    def shown(self, draft_id: int | None) -> Shown | None:
        """The draft with its plan, or the plan of `plan` without one; NotFound for no draft."""
        if draft_id is None:
            plan = self.plan()
            return None if plan is None else Shown(plan)
        draft = self.drafting.draft(draft_id)
        base = self._plan_view(draft.base)
        key = (draft_id, draft.revision, draft.state)

        def compare() -> Shown:
            return Shown(base, draft, self.drafting.changes(draft, base.tables.roster))

        return self._kept(self._shown, key, KEPT_DRAFTS, compare)

    # -- forecasts --------------------------------------------------------------------------------

    def versions(self) -> tuple[VersionView, ...]:
        """Forecasts that were kept, the newest first; today's updates are not among them."""
        found = forecasts.listing(self._store, limit=LISTED_VERSIONS)
        return tuple(self._version(v) for v in found if v.kind != "intraday" and v.whole)

    def forecast(self, version: VersionView) -> ForecastView:
        """The version with the adjustments that are in force now."""
        stored = forecasts.load(self._store, version.forecast_id)
        active = stored.active()

        def raw() -> tuple[pd.DataFrame, pd.DataFrame]:
            return stored.table(), stored.parts()

        model, own = self._kept(self._models, version.forecast_id, KEPT_FORECASTS, raw)

        def read() -> ForecastView:
            table, parts = adjusted(model, own, active) if active else (model, own)
            return ForecastView(
                version=version,
                whole=Piece(table, stored.noise, stored.seed, stored.calibrations),
                parts=parts,
                model=model,
                accuracy=stored.accuracy,
                champions=stored.champions,
                notes=stored.notes,
                adjustments=active or stored.adjustments,
            )

        key = (version.forecast_id, active)
        return self._kept(self._forecasts, key, KEPT_FORECASTS, read)

    def piece(self, version: VersionView, start: datetime, end: datetime) -> Piece:
        """What the version said of [start, end) when it was made."""

        def read() -> Piece:
            stored = forecasts.load(self._store, version.forecast_id)
            return Piece(stored.table(start, end), stored.noise, stored.seed, stored.calibrations)

        return self._kept(self._pieces, (version.forecast_id, start, end), KEPT_PIECES, read)

    def today(self, version: VersionView) -> Today | None:
        """The rest of today as its counts so far have moved the version; None where they have not.

        Another version's update is not told: it would not be this one's numbers that were moved.
        """
        with self._store.reading() as connection:
            newest = last_interval(connection)
        now = floor_interval(self._store.clock.now())
        if (
            newest is None
            or newest < now - COUNTED_WITHIN
            or not version.start <= now < version.end
        ):
            return None
        held = (now, newest, version.forecast_id, forecasts.adjustments(self._store))
        update = self._kept(self._updates, held, KEPT_FORECASTS, self._reforecast)
        if update is None:
            return None
        told = {
            one.queue: one.reason
            for one in update.queues
            if one.forecast_id == version.forecast_id and one.counted_until is not None
        }
        return Today(update.table[update.table["queue"].isin(list(told))], told) if told else None

    def _reforecast(self) -> intraday.IntradayForecast | None:
        try:
            return intraday.reforecast_now(self._store)
        except NotFound:
            return None  # no forecast covers today, so there is none to update

    def scores(self, days: int) -> pd.DataFrame:
        """Scores on the truth of the versions made in the last days; see `forecasts.scores`."""
        return forecasts.scores(self._store, days=days)

    # -- what planners change ---------------------------------------------------------------------

    def adjustments(self) -> tuple[StoredAdjustment, ...]:
        return forecasts.adjustments(self._store)

    def adjust(self, adjustment: Adjustment, actor: str) -> int:
        return forecasts.adjust(self._store, adjustment, actor)

    def withdraw(self, adjustment_id: int, actor: str) -> None:
        forecasts.withdraw(self._store, adjustment_id, actor)

    def marks(self) -> tuple[Mark, ...]:
        return forecasts.marks(self._store)

    def mark_effects(self, queues: Collection[str]) -> dict[int, float]:
        """By mark of the queues, how the other decision would change the next week's contacts.

        Told by the product's own model, whichever made the forecast.
        """
        held = forecasts.marks(self._store)
        day = self._store.clock.now().date()
        found: dict[int, float] = {}
        for queue in dict.fromkeys(m.queue for m in held if m.queue in queues):
            key = (queue, day, tuple((m.mark_id, m.state) for m in held if m.queue == queue))
            read = partial(forecasts.mark_effects, self._store, queue, newest=TOLD_MARKS)
            told = self._kept(self._effects, key, KEPT_EFFECTS, read)
            found.update(told)
        return found

    def decide(self, mark_id: int, state: MarkState, actor: str) -> Mark:
        return forecasts.decide(self._store, mark_id, state, actor)

    def start_forecast(self, weeks: int, actor: str) -> str:
        """Submit the job that makes a new forecast from today on; gives its id."""
        if self._jobs is None:
            raise TryLater("no jobs are carried out here; start the service with `wfm serve`")
        brand = self.brand()
        if brand is None:
            raise NotFound("there is no brand yet; `wfm import brand FILE` brings one")
        request = forecasts.ForecastRequest(
            start=local_day(self._store.clock.now(), brand.tz), weeks=weeks
        )
        return self._jobs.submit(FORECAST_JOB, request.to_document(), actor)

    def job(self, job_id: str) -> job_rows.Job:
        with self._store.reading() as connection:
            return job_rows.load_job(connection, job_id)

    def open_job(self, kind: str) -> str | None:
        """The job of the kind that is open now, or None."""
        with self._store.reading() as connection:
            found = job_rows.list_jobs(connection, states=job_rows.OPEN)
        return next((job.job_id for job in found if job.kind == kind), None)

    def cancel(self, job_id: str, actor: str) -> None:
        with self._store.writing(actor) as writing:
            job_rows.cancel_job(writing, job_id)

    @staticmethod
    def _version(v: forecasts.StoredForecast) -> VersionView:
        return VersionView(v.forecast_id, v.kind, v.queues, v.start, v.end, v.made_at, v.plan_id)

    # -- inside -----------------------------------------------------------------------------------

    def _kept(self, held: OrderedDict[Any, T], key: Any, most: int, read: Callable[[], T]) -> T:
        """What is held under the key, read once by whoever comes first."""
        with self._lock:
            if key not in held:
                held[key] = read()
                while len(held) > most:
                    held.popitem(last=False)
            held.move_to_end(key)
            return held[key]

    def _stored(self, which: records.Which) -> records.StoredPlan | None:
        try:
            return records.load_plan(self._store, which)
        except NotFound:
            return None

    def _plan_view(self, stored: records.StoredPlan) -> PlanView:
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

    def _tables_of(self, stored: records.StoredPlan) -> Tables:
        return self._kept(self._tables, stored.plan_id, KEPT_PLANS, lambda: _tables(stored))


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
