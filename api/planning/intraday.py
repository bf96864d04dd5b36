"""The rest of today, from the forecast in force and what has been counted so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from api.planning import forecasts as versions
from forecasting.grid import SLOTS, Floats, fold, local_slots, unfold
from forecasting.histories import history_of
from forecasting.intraday.lessons import mornings
from forecasting.intraday.spikes import Spike
from forecasting.intraday.update import (
    Intraday,
    Outlook,
    Reforecast,
    learn_intraday,
    reforecast,
)
from forecasting.protocol import History, Prediction
from wfm.brands import Brand
from wfm.campaigns import Campaign
from wfm.errors import DataError, NotFound
from wfm.frames import FORECAST, QUANTILE_COLUMNS
from wfm.ingest.history import load_volumes
from wfm.marks import Mark
from wfm.store import forecasts
from wfm.store import marks as mark_rows
from wfm.store.brands import load_brand
from wfm.store.campaigns import load_campaigns
from wfm.store.engine import Store
from wfm.timegrid import INTERVAL, floor_interval, local_day, local_midnight

# What is learned from: eight weeks of mornings, and the two weeks before the first of them.
LEARNED_FROM = timedelta(weeks=10)
AHEAD = timedelta(days=1)
COLUMNS = ("mean", *QUANTILE_COLUMNS)


@dataclass(frozen=True)
class RunningSpike:
    """A spike that is running in a queue.

    so_far, remaining  contacts above the forecast since the onset, and about how many are to come
    ends_at            when what is left is lost in the usual scatter
    """

    queue: str
    onset: datetime
    ends_at: datetime
    so_far: float
    remaining: float


@dataclass(frozen=True)
class QueueToday:
    """How a queue's day goes.

    counted_until  end of the last interval counted today; None: nothing was counted
    seen, expected  contacts counted today, and forecast for the same intervals
    factor         the next hour's updated mean over its mean before
    rest_before, rest_after  contacts from `counted_until` to midnight, as forecast and as updated
    reason         why, in a sentence
    """

    queue: str
    forecast_id: int
    counted_until: datetime | None
    seen: float
    expected: float
    factor: float
    rest_before: float
    rest_after: float
    spike: RunningSpike | None
    reason: str


@dataclass(frozen=True)
class IntradayForecast:
    """The update of all queues as of an instant.

    table   FORECAST of the next 24 hours, as far as a forecast covers them
    before  the same rows as they had been forecast
    notes   what to know beside the queues' reasons
    """

    as_of: datetime
    queues: tuple[QueueToday, ...]
    table: pd.DataFrame = field(repr=False)
    before: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Known:
    """What the store holds, in one consistent view.

    volumes  VOLUMES of the weeks before now; base: FORECAST of today and tomorrow
    versions by queue, the version that today's rows come from
    """

    brand: Brand
    campaigns: tuple[Campaign, ...]
    marks: tuple[Mark, ...]
    volumes: pd.DataFrame
    base: pd.DataFrame
    versions: Mapping[str, int]
    now: datetime
    midnight: datetime
    midnight_after: datetime


def reforecast_now(store: Store, *, queue: str | None = None) -> IntradayForecast:
    """Update the forecast in force from what was counted today until now, by the store's clock.

    The update is learned anew from the last weeks of all queues. A queue without a count today, or
    with too short a past, keeps its forecast, and its reason says so. Nothing is written.

    queue  only this one is answered for; the others still help to learn

    Raises NotFound for an unknown queue, without a brand, and when no forecast covers today.
    """
    known = _load(store)
    names = [one.name for one in known.brand.queues]
    if queue is not None:
        names = [known.brand.queue(queue).name]
    told = [name for name in names if name in known.versions]
    if not told:
        raise NotFound(
            f"no forecast covers today for {', '.join(names)}; make one: "
            f"wfm forecast --from {local_day(known.now, known.brand.tz)}"
        )
    histories, notes = _histories(known)
    said = mornings(list(histories.values())) if histories else []
    model = learn_intraday(list(histories.values()), said)
    past = dict(zip(histories, said, strict=True))
    found = [_queue_today(known, model, name, histories.get(name), past.get(name)) for name in told]
    if not any(today.counted_until for today, _, _ in found):
        notes.append(
            "nothing has been counted today, so every forecast stands; import today's counts: "
            "wfm import volumes FILE"
        )
    if len(told) < len(names):
        without = ", ".join(name for name in names if name not in known.versions)
        notes.append(f"no forecast covers today for {without}; make one: wfm forecast")
    return IntradayForecast(
        as_of=known.now,
        queues=tuple(today for today, _, _ in found),
        table=FORECAST.check(pd.concat([table for _, table, _ in found], ignore_index=True)),
        before=FORECAST.check(pd.concat([before for _, _, before in found], ignore_index=True)),
        notes=tuple(notes),
    )


def _load(store: Store) -> _Known:
    now = store.clock.now()
    with store.reading() as connection:
        brand = load_brand(connection)
        today = local_day(now, brand.tz)
        midnight = local_midnight(today, brand.tz)
        next_midnight = local_midnight(today + timedelta(days=1), brand.tz)
        end = local_midnight(today + timedelta(days=2), brand.tz)
        names = [queue.name for queue in brand.queues]
        volumes = load_volumes(
            connection, start=midnight - LEARNED_FROM, end=floor_interval(now), queues=names
        )
        campaigns, marks = load_campaigns(connection), mark_rows.load(connection)
        rows_from = {
            (name, day): forecasts.covering(connection, name, day)
            for name in names
            for day in (midnight, next_midnight)
        }
    return _Known(
        brand=brand,
        campaigns=campaigns,
        marks=marks,
        volumes=volumes,
        base=_base(store, rows_from, {midnight: next_midnight, next_midnight: end}),
        versions={
            name: version
            for (name, day), version in rows_from.items()
            if day == midnight and version is not None
        },
        now=now,
        midnight=midnight,
        midnight_after=next_midnight,
    )


def _base(
    store: Store,
    rows_from: Mapping[tuple[str, datetime], int | None],
    ends: Mapping[datetime, datetime],
) -> pd.DataFrame:
    """FORECAST of today and tomorrow, each queue's day from the newest version that has it."""
    wanted: dict[tuple[int, datetime], list[str]] = {}
    for (name, day), version in rows_from.items():
        if version is not None:
            wanted.setdefault((version, day), []).append(name)
    tables = [
        versions.load(store, version).adjusted(day, ends[day], names)[0]
        for (version, day), names in wanted.items()
    ]
    return pd.concat(tables, ignore_index=True) if tables else FORECAST.empty()


def _histories(known: _Known) -> tuple[dict[str, History], list[str]]:
    """The queues' pasts until yesterday, and a word on those that are too short."""
    before = known.volumes[known.volumes["start"] < known.midnight]
    found: dict[str, History] = {}
    notes: list[str] = []
    for name in (queue.name for queue in known.brand.queues):
        rows = before[before["queue"] == name]
        try:
            if rows.empty:
                raise DataError(f"queue {name!r} has no volumes in the last weeks")
            history, _ = history_of(rows, known.brand, known.campaigns, name, known.marks)
        except DataError as error:
            notes.append(error.message)
            continue
        found[name] = _until_yesterday(history, known)
    return found, notes


def _until_yesterday(history: History, known: _Known) -> History:
    """The history with days of which nothing is known put behind it, so that all end together."""
    today = np.datetime64(local_day(known.now, known.brand.tz), "D")
    days = np.arange(history.days[0], today)
    late = ((0, len(days) - len(history)), (0, 0))
    return replace(
        history,
        days=days,
        counts=np.pad(history.counts, late, constant_values=np.nan),
        known=np.pad(history.known, late),
        trusted=None if history.trusted is None else np.pad(history.trusted, late),
    )


def _queue_today(
    known: _Known,
    model: Intraday,
    name: str,
    history: History | None,
    said: Prediction | None,
) -> tuple[QueueToday, pd.DataFrame, pd.DataFrame]:
    """One queue's day, and its FORECAST of the next 24 hours, updated and as it was."""
    zone, current = known.brand.tz, floor_interval(known.now)
    base = known.base[known.base["queue"] == name].reset_index(drop=True)
    counted = known.volumes[
        (known.volumes["queue"] == name) & (known.volumes["start"] >= known.midnight)
    ]
    counts = np.full((2, SLOTS), np.nan)
    first, now = current, int(local_slots(pd.DatetimeIndex([current]), zone)[1][0])
    until: datetime | None = None
    if len(counted):
        starts = pd.DatetimeIndex(counted["start"])
        counts[1] = fold(starts, counted["contacts"].to_numpy(dtype=float), zone)[1][0]
        first = until = starts.max().to_pydatetime() + INTERVAL
        now = int(local_slots(starts, zone)[1].max()) + 1
    if history is not None:
        counts[0] = history.ordinary[-1]
    found = reforecast(model, name, counts, _outlook(known, base, said), now)
    rows = base[(base["start"] >= first) & (base["start"] < first + AHEAD)]
    before = rows.reset_index(drop=True)
    after = _table(known, before, found)
    rest = (before["start"] < known.midnight_after).to_numpy()
    hour = slice(0, round(timedelta(hours=1) / INTERVAL))
    was, will = before["mean"].to_numpy(), after["mean"].to_numpy()
    today = QueueToday(
        queue=name,
        forecast_id=known.versions[name],
        counted_until=until,
        seen=found.seen,
        expected=found.expected,
        factor=float(will[hour].sum() / was[hour].sum()) if was[hour].sum() > 0 else 1.0,
        rest_before=float(was[rest].sum()),
        rest_after=float(will[rest].sum()),
        spike=None if found.spike is None else _spike(found.spike, first, now),
        reason=found.reason,
    )
    return today, after, before


def _outlook(known: _Known, base: pd.DataFrame, said: Prediction | None) -> Outlook:
    """The forecast on local days; a slot that no version covers is forecast as nothing."""
    today = np.datetime64(local_day(known.now, known.brand.tz), "D")
    starts = pd.DatetimeIndex(base["start"])
    columns = np.zeros((len(COLUMNS), 3, SLOTS))
    for i, column in enumerate(COLUMNS):
        days, matrix = fold(starts, base[column].to_numpy(dtype=float), known.brand.tz)
        for day, values in zip(days, matrix, strict=True):
            columns[i, 1 + int((day - today).astype(int))] = np.nan_to_num(values)
    columns[:, 0] = np.nan
    if said is not None:
        columns[0, 0] = said.mean[-1, 0]
    median = columns[1 + QUANTILE_COLUMNS.index("q50")].copy()
    if said is not None:
        median[0] = said.median[-1, 0]
    return Outlook(columns[0], median, np.moveaxis(columns[1:], 0, -1))


def _table(known: _Known, before: pd.DataFrame, found: Reforecast) -> pd.DataFrame:
    """The rows with the updated figures."""
    zone = known.brand.tz
    today = np.datetime64(local_day(known.now, zone), "D")
    days = np.array([today, today + np.timedelta64(1, "D")])
    starts = pd.DatetimeIndex(before["start"])
    quantiles: Floats = unfold(days, found.quantiles, starts, zone)
    changed = {name: quantiles[:, i] for i, name in enumerate(QUANTILE_COLUMNS)}
    return before.assign(mean=unfold(days, found.mean, starts, zone), **changed)


def _spike(spike: Spike, first: datetime, now: int) -> RunningSpike:
    return RunningSpike(
        queue=spike.queue,
        onset=first - (now - spike.onset) * INTERVAL,
        ends_at=first + timedelta(hours=spike.ends_in_h),
        so_far=spike.so_far,
        remaining=spike.remaining,
    )
