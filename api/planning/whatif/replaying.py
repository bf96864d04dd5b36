"""Replay of the past: recorded cases answered by another roster, rule or forecast.

Who answers is the roster that was in force, any plan or draft of those days, or a plan made anew
with what was known on their first. Cases of the day before are played too, so that the first day
begins with what was waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pandas as pd

from api.planning.asked import check_seed, check_start
from api.planning.drafts import rostered
from api.planning.outcomes import extents_of, recorded_of
from api.planning.plan import REHEARSAL_PATHS, compute_plan
from api.planning.records import PlanRequest, load
from scheduling.simulation.trial import Order
from scheduling.staffing import on_shift_of
from scheduling.whatif.recorded import CaseRecord, record_of
from scheduling.whatif.replay import Replay, replayed
from wfm.brands import Brand
from wfm.errors import DataError, RequestError
from wfm.ingest.history import load_volumes
from wfm.people import Agent
from wfm.progress import Progress, part, silent
from wfm.store import plans
from wfm.store.brands import load_brand
from wfm.store.engine import Store
from wfm.store.people import load_agents
from wfm.timegrid import local_day, local_midnight

DAY = timedelta(days=1)
MAX_DAYS = 93
REPLICATIONS = 10
MAX_REPLICATIONS = 200

# A shift that began so long before an instant is over by then.
LONGEST_SHIFT = DAY


@dataclass(frozen=True)
class ReplayRequest:
    """Which part of the past is played again, and by whom.

    first, last   local days, from the first to the end of the last
    roster        whose people answer, as `drafts.rostered` takes it; "": the rosters in force then
    models        forecasting models: a plan is made anew with them, of what was known on the first
                  day, and its people answer. It is not kept
    order         "live": that of `wfm.order`; "fifo": first come, first served
    spike_mode    queues in which lost cases come last, throughout
    replications  how often what is not on record is drawn, 1 to 200
    """

    first: date
    last: date
    roster: str = ""
    models: tuple[str, ...] | None = None
    order: Order = "live"
    spike_mode: tuple[str, ...] = ()
    replications: int = REPLICATIONS
    seed: int = 1

    def __post_init__(self) -> None:
        check_start("replay", self.first)
        days = (self.last - self.first).days + 1
        if not 1 <= days <= MAX_DAYS:
            raise RequestError(
                f"the replay goes from {self.first} to {self.last}; it covers 1 to {MAX_DAYS} days"
            )
        if self.roster and self.models is not None:
            raise RequestError(
                f"both roster {self.roster} and a plan made anew with other models are named; "
                "choose one of them"
            )
        if not 1 <= self.replications <= MAX_REPLICATIONS:
            raise RequestError(
                f"replications is {self.replications}; it lies between 1 and {MAX_REPLICATIONS}"
            )
        check_seed(self.seed)


def replay(store: Store, request: ReplayRequest, progress: Progress = silent) -> Replay:
    """What would have come of the recorded cases of these days.

    Promises, service windows and skills are those of today. NotFound for an unknown queue, plan or
    draft; RequestError for days that are not over, that the roster does not cover or on which none
    was in force; DataError where no case is on record.
    """
    progress(0.0, "reading what is recorded")
    with store.reading() as connection:
        brand = load_brand(connection)
        agents = load_agents(connection)
    for name in request.spike_mode:
        brand.queue(name)
    today = local_day(store.clock.now(), brand.tz)
    if request.last >= today:
        raise RequestError(f"{request.last} is not over yet; replay days before {today}")
    start = local_midnight(request.first, brand.tz)
    end = local_midnight(request.last + DAY, brand.tz)
    lead = local_midnight(request.first - DAY, brand.tz)
    record = _recorded(store, brand, lead, end)
    made = 0.8 if request.models is not None else 0.1
    roster = _answering(store, request, brand, record, progress=part(progress, 0.1, made))
    with store.reading() as connection:
        volumes = load_volumes(connection, start=lead, end=end)
    return replayed(
        record,
        on_shift_of(_known(roster, agents), brand, agents),
        volumes,
        brand,
        start=start,
        seed=request.seed,
        replications=request.replications,
        order=request.order,
        spike_mode=request.spike_mode,
        progress=part(progress, made, 1.0),
    )


def _recorded(store: Store, brand: Brand, start: datetime, end: datetime) -> CaseRecord:
    now = store.clock.now()
    with store.reading() as connection:
        extents = extents_of(connection)
        recorded = {
            queue.name: recorded_of(
                connection, queue, start, end, extents=extents[queue.name], now=now
            )
            for queue in brand.queues
            if queue.name in extents
        }
    return record_of(recorded, brand, start=start, end=end)


def _answering(
    store: Store,
    request: ReplayRequest,
    brand: Brand,
    record: CaseRecord,
    *,
    progress: Progress,
) -> pd.DataFrame:
    """ROSTER of who answers over the record: the roster asked for as far as it goes, and before it
    the one that was in force.
    """
    if request.models is not None:
        weeks = -(-((request.last - request.first).days + 1) // 7)
        asked = PlanRequest(
            request.first,
            weeks,
            seed=request.seed,
            replications=REHEARSAL_PATHS,
            models=request.models,
        )
        plan = compute_plan(load(store, asked), progress)
        return _after_those_in_force(store, record, plan.roster, plan.start)
    if request.roster:
        found = rostered(store, request.roster)
        start = local_midnight(request.first, brand.tz)
        if not found.plan.start <= start < record.end <= found.plan.end:
            first, last = (
                local_day(at, brand.tz) for at in (found.plan.start, found.plan.end - DAY)
            )
            raise RequestError(
                f"roster {found.name} covers {first} to {last}, not {request.first} to "
                f"{request.last}; replay days of it, or name another roster"
            )
        return _after_those_in_force(store, record, found.roster, found.plan.start)
    _check_in_force(store, request, brand)
    return _in_force(store, record.start, record.end)


def _check_in_force(store: Store, request: ReplayRequest, brand: Brand) -> None:
    days = [request.first + i * DAY for i in range((request.last - request.first).days + 1)]
    with store.reading() as connection:
        bare = [
            day
            for day in days
            if not plans.was_in_force(
                connection,
                start=local_midnight(day, brand.tz),
                end=local_midnight(day + DAY, brand.tz),
            )
        ]
    if bare:
        raise RequestError(
            f"no roster was in force on {len(bare)} of the {len(days)} days, the first is "
            f"{bare[0]}; name a plan that covers them, or leave them out"
        )


def _in_force(store: Store, start: datetime, end: datetime) -> pd.DataFrame:
    """ROSTER of the shifts in force that began before `end` and reach beyond `start`."""
    with store.reading() as connection:
        worked = plans.published_roster(connection, start=start - LONGEST_SHIFT, end=end)
    return worked[worked["end"] > pd.Timestamp(start)]


def _after_those_in_force(
    store: Store, record: CaseRecord, roster: pd.DataFrame, begins: datetime
) -> pd.DataFrame:
    """The ROSTER, which begins at `begins`, with the shifts in force that began before.

    Whoever is on one of these when their first shift of the roster begins goes over to that.
    """
    before = _in_force(store, min(record.start, begins), begins)
    first = before["agent_id"].map(roster.groupby("agent_id")["start"].min())
    over = first.notna() & (before["end"] > first)
    before = before.assign(end=before["end"].where(~over, first))
    before = before[before["start"] < before["end"]]
    return pd.concat([before, roster], ignore_index=True)


def _known(roster: pd.DataFrame, agents: tuple[Agent, ...]) -> pd.DataFrame:
    unknown = sorted(set(roster["agent_id"]) - {agent.agent_id for agent in agents})
    if unknown:
        raise DataError(
            f"the roster names {len(unknown)} agents who are not known any more, the first is "
            f"{unknown[0]!r}; add them again with `wfm import agents FILE`",
            agents=unknown,
        )
    return roster
