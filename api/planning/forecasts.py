"""Forecast versions: make and keep them, read them, adjust them, score them on what came.

A version is never changed once kept. Planners' adjustments and the marks on the past stand beside
it: `StoredForecast.adjusted` puts the adjustments in force on the model's output when it is read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from api.planning.asked import check_seed, check_start, check_weeks, id_in
from api.planning.scoring import LEAD_WORDS, ToScore, score_queue
from api.planning.versions import version_of
from forecasting.adjust import adjusted
from forecasting.events.marks import effect_of
from forecasting.forecast import ForecastResult, make_forecast
from forecasting.grid import day_range
from forecasting.handling import AhtAccuracy
from forecasting.histories import history_of, rows_of
from forecasting.models import forecasters
from forecasting.scenarios.paths import Noise
from forecasting.scenarios.sums import Calibration
from forecasting.scoring.accuracy import Accuracy
from forecasting.scoring.champion import DEFAULT
from wfm.adjustments import Adjustment
from wfm.brands import Brand
from wfm.campaigns import Campaign
from wfm.errors import DataError, RequestError, StoreBusy
from wfm.frames import INSTANT
from wfm.ingest.history import load_volumes
from wfm.marks import Mark, MarkState
from wfm.progress import Progress, part, silent
from wfm.store import adjustments as adjustment_rows
from wfm.store import forecasts
from wfm.store import marks as mark_rows
from wfm.store.adjustments import StoredAdjustment
from wfm.store.brands import load_brand
from wfm.store.campaigns import load_campaigns
from wfm.store.documents import from_document, to_document
from wfm.store.engine import Store
from wfm.store.forecasts import ForecastRow, Kind
from wfm.timegrid import floor_interval, format_instant, local_day, local_midnight

Which = int | Literal["latest"]

MAX_ADJUSTED = timedelta(days=366)
# How long after its last day a standing version keeps its rows: a year of them would be gigabytes.
ROWS_KEPT = timedelta(weeks=13)
MAX_DAYS_BACK = 3_660
DAY = np.timedelta64(1, "D")

AFTERWARDS = "made afterwards, from the volumes before its first day only"


@dataclass(frozen=True)
class ForecastRequest:
    """What is to be forecast.

    start   first local day; weeks: 1 to 8
    queues  their names; None: all of the brand's
    models  forecasting models to choose from; None: all
    """

    start: date
    weeks: int = 2
    queues: tuple[str, ...] | None = None
    seed: int = 1
    models: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check_weeks("forecast", self.weeks)
        check_seed(self.seed)
        check_start("forecast", self.start)
        if self.queues is not None and not self.queues:
            raise RequestError("the forecast is of no queue; name one, or none at all for all")

    def to_document(self) -> dict[str, Any]:
        document: dict[str, Any] = to_document(self)
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ForecastRequest:
        return from_document(cls, document)


# -- making a version ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Basis:
    """What a forecast is made from, in one consistent view.

    brand       only the queues that are forecast
    incumbents  by queue, the model that made the last forecast
    """

    brand: Brand
    campaigns: tuple[Campaign, ...]
    volumes: pd.DataFrame = field(repr=False)
    marks: tuple[Mark, ...]
    incumbents: Mapping[str, str]
    start: datetime
    end: datetime


@dataclass(frozen=True, eq=False)
class Made:
    """A forecast that is made and not kept yet.

    adjustments  those that are in force on it now; not in its rows
    """

    request: ForecastRequest
    basis: Basis
    result: ForecastResult
    adjustments: tuple[StoredAdjustment, ...]

    def adjusted(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """FORECAST and PARTS with the adjustments."""
        return adjusted(self.result.table, self.result.parts, self.adjustments)


def load_basis(store: Store, request: ForecastRequest) -> Basis:
    """History is what happened before the forecast's first day, whatever the store knows by now.

    Raises NotFound without a brand or for an unknown queue, DataError without volumes.
    """
    with store.reading() as connection:
        brand = load_brand(connection)
        if request.queues is not None:
            wanted = dict.fromkeys(request.queues)
            brand = replace(brand, queues=tuple(brand.queue(name) for name in wanted))
        start = local_midnight(request.start, brand.tz)
        names = [queue.name for queue in brand.queues]
        volumes = load_volumes(connection, end=start, queues=names)
        if volumes.empty:
            who = f"queue {names[0]!r}" if len(names) == 1 else brand.name
            raise DataError(
                f"{who} has no volumes before {request.start}; run `wfm import volumes FILE` "
                "or choose a later --from"
            )
        return Basis(
            brand=brand,
            campaigns=load_campaigns(connection),
            volumes=volumes,
            marks=mark_rows.load(connection),
            incumbents=forecasts.incumbents(connection, before=start),
            start=start,
            end=local_midnight(request.start + timedelta(weeks=request.weeks), brand.tz),
        )


def made_afterwards(start: datetime, made_at: datetime) -> bool:
    """Whether a forecast was made when its first day was over: a rehearsal, no promise."""
    return made_at >= start + timedelta(days=1)


def compute(store: Store, request: ForecastRequest, progress: Progress = silent) -> Made:
    """Make the forecast and keep nothing. One of days that are over says so in its notes."""
    progress(0.0, "loading")
    basis = load_basis(store, request)
    result = make_forecast(
        basis.volumes,
        basis.brand,
        basis.campaigns,
        start=basis.start,
        end=basis.end,
        seed=request.seed,
        models=request.models,
        incumbents=basis.incumbents,
        marks=basis.marks,
        progress=part(progress, 0.05, 0.95),
    )
    if made_afterwards(basis.start, store.clock.now()):
        result = replace(result, notes=(AFTERWARDS, *result.notes))
    with store.reading() as connection:
        held = adjustment_rows.load(connection, start=basis.start, end=basis.end)
    names = {queue.name for queue in basis.brand.queues}
    return Made(request, basis, result, tuple(one for one in held if one.queue in names))


def keep(store: Store, made: Made, actor: str, *, job_id: str | None = None) -> int:
    """Keep the forecast as a standing version, and its new proposals of marks; gives its id."""
    basis = made.basis
    version = version_of(
        made.result, basis.volumes, basis.brand, only=made.request.models, marks=basis.marks
    )
    with store.writing(actor) as writing:
        mark_rows.keep(writing, made.result.marks)
        forecast_id = forecasts.insert(
            writing,
            version,
            kind="standing",
            start=basis.start,
            end=basis.end,
            seed=made.request.seed,
            job_id=job_id,
        )
    with suppress(StoreBusy):  # there is time until the next
        forget_old(store, actor)
    return forecast_id


def forget_old(store: Store, actor: str) -> int:
    """Drop the rows of standing versions that ended `ROWS_KEPT` ago; gives of how many.

    Their scores and back-tests stay. What a plan was made on is kept whole, as is what was never
    scored.
    """
    with store.reading() as connection:
        old = forecasts.forgettable(connection, ended_before=store.clock.now() - ROWS_KEPT)
    for forecast_id in old:
        # One at a time: the live queue writes in between.
        with store.writing(actor) as writing:
            forecasts.forget_rows(writing, forecast_id)
    return len(old)


def make(
    store: Store,
    request: ForecastRequest,
    actor: str,
    progress: Progress = silent,
    *,
    job_id: str | None = None,
) -> int:
    """Make a standing version and keep it: the model's output, no adjustments; gives its id.

    job_id  the job that makes it: carried out again, it finds the version it kept
    """
    if job_id is not None:
        with store.reading() as connection:
            kept = forecasts.made_by(connection, job_id)
        if kept is not None:
            return kept
    made = compute(store, request, progress)
    progress(0.97, "keeping the forecast")
    return keep(store, made, actor, job_id=job_id)


# -- reading versions ----------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredForecast:
    """A version as it is kept; its tables are read when asked for.

    plan_id      the plan that owns it (kind "plan")
    queues       those it holds
    champions    by queue, the model that made it
    accuracy     lines of the back-test, one for each queue, model and step
    aht          how well handling times would have been told
    notes        what to know about it, in words
    whole        whether it has its rows still
    adjustments  those that are in its rows (kind "plan"); a standing version holds the model's own
    """

    forecast_id: int
    kind: Kind
    start: datetime
    end: datetime
    seed: int
    plan_id: int | None
    made_at: datetime
    actor: str
    queues: tuple[str, ...]
    contacts: float | None
    champions: Mapping[str, str]
    accuracy: tuple[Accuracy, ...] = field(repr=False)
    aht: tuple[AhtAccuracy, ...] = field(repr=False)
    notes: tuple[str, ...] = field(repr=False)
    whole: bool
    adjustments: tuple[Adjustment, ...] = field(repr=False)
    store: Store = field(repr=False)

    @property
    def afterwards(self) -> bool:
        """Whether it was made when its first day was over."""
        return made_afterwards(self.start, self.made_at)

    @cached_property
    def _noise(self) -> dict[str, Any]:
        with self.store.reading() as connection:
            return forecasts.noise_document(connection, self.forecast_id)

    @cached_property
    def noise(self) -> Noise:
        """What scenario paths need beside the table."""
        return Noise.from_document(self._noise)

    @cached_property
    def calibrations(self) -> Mapping[frozenset[str], Calibration]:
        """By the queues of a total, what `sum_forecast` is to be given for it.

        Of the whole brand and of channels, where it could be learned; versions made before it was
        kept have none.
        """
        return {
            frozenset(one["queues"]): Calibration.from_document(one)
            for one in self._noise.get("calibrations", {}).values()
        }

    def table(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        queues: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """FORECAST of [start, end), by start and queue, as it was kept."""
        with self.store.reading() as connection:
            return forecasts.read_table(
                connection, self.forecast_id, start=start, end=end, queues=queues
            )

    def parts(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        queues: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """PARTS of [start, end), by start and queue, as they were kept."""
        with self.store.reading() as connection:
            return forecasts.read_parts(
                connection, self.forecast_id, start=start, end=end, queues=queues
            )

    def active(self, queues: Sequence[str] | None = None) -> tuple[StoredAdjustment, ...]:
        """Adjustments in force on it now; of a plan's version none: it holds those of its day."""
        if self.kind == "plan":
            return ()
        with self.store.reading() as connection:
            held = adjustment_rows.load(connection, start=self.start, end=self.end)
        wanted = set(self.queues if queues is None else queues)
        return tuple(one for one in held if one.queue in wanted)

    def adjusted(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        queues: Sequence[str] | None = None,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """FORECAST and PARTS of [start, end) with the adjustments that are in force on it now."""
        active = self.active(queues)
        if not active:
            return self.table(start, end, queues), self.parts(start, end, queues)
        # An adjustment spreads its contacts over its whole span, so all of that must be read.
        first = None if start is None else min(start, *(one.start for one in active))
        last = None if end is None else max(end, *(one.end for one in active))
        table, parts = adjusted(
            self.table(first, last, queues), self.parts(first, last, queues), active
        )
        return _cut(table, start, end), _cut(parts, start, end)


def _cut(frame: pd.DataFrame, start: datetime | None, end: datetime | None) -> pd.DataFrame:
    kept = np.ones(len(frame), dtype=bool)
    if start is not None:
        kept &= (frame["start"] >= start).to_numpy()
    if end is not None:
        kept &= (frame["start"] < end).to_numpy()
    return frame if kept.all() else frame[kept].reset_index(drop=True)


def which_forecast(text: str) -> Which:
    """Read a version's name as people write it: an id or `latest`."""
    if text == "latest":
        return "latest"
    named = id_in(text)
    if named is not None:
        return named
    raise RequestError(f"{text[:40]!r} names no forecast; give an id or latest")


def load(store: Store, which: Which = "latest", *, queue: str | None = None) -> StoredForecast:
    """The version with the id, or the newest that is no intraday update; of `queue`, when named.

    NotFound when there is none.
    """
    with store.reading() as connection:
        return _stored(store, forecasts.find(connection, which, queue=queue))


def listing(
    store: Store,
    *,
    limit: int = 50,
    before: int | None = None,
    kinds: Collection[Kind] = forecasts.KINDS,
) -> tuple[StoredForecast, ...]:
    """Versions, the newest first; `before` continues after the version of this id."""
    with store.reading() as connection:
        rows = forecasts.listing(connection, limit=limit, before=before, kinds=kinds)
    return tuple(_stored(store, row) for row in rows)


def _stored(store: Store, row: ForecastRow) -> StoredForecast:
    return StoredForecast(
        forecast_id=row.forecast_id,
        kind=row.kind,
        start=row.start,
        end=row.end,
        seed=row.seed,
        plan_id=row.plan_id,
        made_at=row.made_at,
        actor=row.actor,
        queues=tuple(row.inputs.get("queues", ())),
        contacts=row.summary.get("contacts"),
        champions=row.inputs.get("models", {}),
        accuracy=tuple(from_document(Accuracy, line) for line in row.accuracy),
        aht=tuple(from_document(AhtAccuracy, line) for line in row.summary.get("aht", ())),
        notes=_notes(row.summary),
        whole=forecasts.FORGOTTEN not in row.summary,
        adjustments=tuple(
            from_document(Adjustment, one) for one in row.inputs.get("adjustments", ())
        ),
        store=store,
    )


def _notes(summary: Mapping[str, Any]) -> tuple[str, ...]:
    held = tuple(summary.get("notes", ()))
    dropped = summary.get(forecasts.FORGOTTEN)
    if dropped is None:
        return held
    return (f"its rows were dropped at {dropped}, long after its last day; its scores stay", *held)


# -- scores --------------------------------------------------------------------------------------

SCORE_COLUMNS = (
    "forecast_id", "kind", "made_at", "queue", "step", "lead_days", "intervals", "contacts", "wape",
    "bias", "mase", "pinball", "coverage80", "coverage95", "naive_wape", "naive_bias", "naive_mase",
    "scored_until",
)  # fmt: skip


# Whose name stands at scores: nobody's in particular.
SCORER = "scoring"


def score_due(store: Store, progress: Progress = silent) -> int:
    """Score the versions of which counts have come, or were changed, since they were scored.

    Each at 15 minutes, the hour and the day by how far ahead it looked (a day, two to seven, eight
    and more), beside the weekly naive as it was known when the version was made. What came in an
    outage that a person has accepted is not scored. Done again it changes nothing. Gives how many
    versions were scored.
    """
    with store.reading() as connection:
        due = forecasts.due(connection)
        if not due.behind:
            return 0
        zone = load_brand(connection).tz
    scored = 0
    for i, (forecast_id, queues) in enumerate(due.behind.items()):
        progress(i / len(due.behind), f"scoring forecast {forecast_id}")
        rows = [
            row for one in _to_score(store, forecast_id, queues) for row in score_queue(one, zone)
        ]
        with store.writing(SCORER) as writing:
            kept = forecasts.write_scores(
                writing, forecast_id, queues, rows, import_id=due.import_id
            )
            scored += kept and bool(rows)
    with store.writing(SCORER) as writing:
        forecasts.note_up_to_date(writing, due.up_to_date, import_id=due.import_id)
    progress(1.0, "forecasts scored")
    return scored


def _to_score(store: Store, forecast_id: int, queues: Sequence[str]) -> list[ToScore]:
    """The queues of a version with what came of them."""
    with store.reading() as connection:
        row = forecasts.find(connection, forecast_id)
        table = forecasts.read_table(connection, forecast_id, queues=queues)
        naive = forecasts.read_naive(connection, forecast_id, queues=queues)
        document = forecasts.noise_document(connection, forecast_id)
        volumes = load_volumes(connection, start=row.start, end=row.end, queues=queues)
        held = mark_rows.load(connection)
    for mark in held:
        if mark.kind == "outage" and mark.state == "accepted":
            starts = volumes["start"]
            lost = (volumes["queue"] == mark.queue) & (starts >= mark.start) & (starts < mark.end)
            volumes = volumes[~lost]
    key = ["start", "queue"]
    came = table[key].merge(volumes[[*key, "contacts"]], on=key, how="left")["contacts"]
    values = came.to_numpy(dtype=float)
    known = np.array(naive, dtype=float)
    found = []
    for queue in queues:
        rows = (table["queue"] == queue).to_numpy()
        found.append(
            ToScore(
                queue=queue,
                table=table[rows].reset_index(drop=True),
                naive=known[rows],
                came=values[rows],
                scales=row.inputs.get("scale", {}).get(queue, {}),
                noise=Noise.from_document(document) if document else None,
                seed=row.seed,
            )
        )
    return found


def scores(store: Store, *, queue: str | None = None, days: int = 28) -> pd.DataFrame:
    """Scores of the versions made in the last `days` days, the newest version first.

    Columns as in SCORE_COLUMNS: step is "15min", "hour" or "day"; lead_days "1", "2-7" or "8+";
    intervals is how many of the step were scored, contacts what came in them; figures that are not
    defined are NaN.
    """
    if not 1 <= days <= MAX_DAYS_BACK:
        raise RequestError(f"days is {days}; look back over 1 to {MAX_DAYS_BACK:,} days")
    with store.reading() as connection:
        if queue is not None:
            load_brand(connection).queue(queue)
        since = store.clock.now() - timedelta(days=days)
        return _score_table(forecasts.score_rows(connection, queue=queue, since=since))


def scores_of(store: Store, forecast_id: int) -> pd.DataFrame:
    """`scores` of one version."""
    with store.reading() as connection:
        return _score_table(forecasts.score_rows(connection, forecast_id=forecast_id))


def _score_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(
        [{**row, "lead_days": LEAD_WORDS[row["lead"]]} for row in rows], columns=list(SCORE_COLUMNS)
    )
    text = ("kind", "queue", "step", "lead_days")
    figures = SCORE_COLUMNS[SCORE_COLUMNS.index("contacts") : -1]
    whole = ("forecast_id", "intervals")
    instants = ("made_at", "scored_until")
    return table.astype(
        dict.fromkeys(text, "str")
        | dict.fromkeys(figures, "float64")
        | dict.fromkeys(whole, "int64")
        | dict.fromkeys(instants, INSTANT)
    )


def newest_accuracy(store: Store, queue: str | None = None) -> tuple[Accuracy, ...]:
    """Lines of the newest back-test of each queue, or of one."""
    with store.reading() as connection:
        brand = load_brand(connection)
        names = [one.name for one in brand.queues] if queue is None else [brand.queue(queue).name]
        rows = forecasts.listing(connection, kinds=("plan", "standing"))
    found: dict[str, list[Accuracy]] = {}
    for row in rows:
        lines = [from_document(Accuracy, line) for line in row.accuracy]
        for name in {line.queue for line in lines} - set(found):
            found[name] = [line for line in lines if line.queue == name]
    return tuple(line for name in names for line in found.get(name, ()))


# -- adjustments and marks -----------------------------------------------------------------------


def adjustments(
    store: Store, queue: str | None = None, *, active: bool = True
) -> tuple[StoredAdjustment, ...]:
    """Adjustments in force, in the order they were made; with `active=False` withdrawn ones too.

    NotFound for a queue the brand does not have.
    """
    with store.reading() as connection:
        if queue is not None:
            load_brand(connection).queue(queue)
        return adjustment_rows.load(connection, queue=queue, active=active)


def check_span(start: datetime, end: datetime) -> None:
    """RequestError unless both lie on the 15-minute grid, the end after the start."""
    for instant in (start, end):
        if floor_interval(instant) != instant:
            raise RequestError(
                f"{format_instant(instant)} lies between two intervals; write a quarter of an "
                f"hour, such as {format_instant(floor_interval(instant))}"
            )
    if start >= end:
        raise RequestError(
            f"the span ends at {format_instant(end)}, not after its start {format_instant(start)}"
        )


def adjust(store: Store, adjustment: Adjustment, actor: str) -> int:
    """Put an adjustment in force; gives its id. NotFound for a queue the brand does not have.

    RequestError for a span that does not lie on the 15-minute grid, is over, or is longer than
    anybody forecasts.
    """
    check_span(adjustment.start, adjustment.end)
    with store.writing(actor) as writing:
        load_brand(writing.connection).queue(adjustment.queue)
        _check_ahead(adjustment, writing.at)
        return adjustment_rows.insert(writing, adjustment)


def _check_ahead(adjustment: Adjustment, now: datetime) -> None:
    """RequestError for a span that is over, or longer than anybody forecasts."""
    if adjustment.end <= now:
        raise RequestError(
            f"the adjustment ends at {format_instant(adjustment.end)}, in the past; adjustments "
            "are on what is to come. To have counts left out of forecasts use `wfm mark add`"
        )
    if adjustment.end - adjustment.start > MAX_ADJUSTED:
        raise RequestError(
            f"the adjustment runs from {format_instant(adjustment.start)} to "
            f"{format_instant(adjustment.end)}; it covers {MAX_ADJUSTED.days} days at most"
        )


def withdraw(store: Store, adjustment_id: int, actor: str) -> None:
    """Take an adjustment out of force; it stays on record.

    NotFound when there is none, IllegalMove when it was withdrawn before.
    """
    with store.writing(actor) as writing:
        adjustment_rows.withdraw(writing, adjustment_id)


def marks(store: Store, queue: str | None = None) -> tuple[Mark, ...]:
    """Marks on the past, of all states, by start. NotFound for a queue the brand does not have."""
    with store.reading() as connection:
        if queue is not None:
            load_brand(connection).queue(queue)
        return mark_rows.load(connection, queue=queue)


def mark_effects(
    store: Store, queue: str | None = None, *, newest: int | None = None
) -> dict[int, float]:
    """By mark, the contacts by which the coming week changes were it decided the other way.

    newest  of each queue only so many marks, the latest; None: all

    Told by the product's own model from the volumes before today, whichever model made a forecast.
    Marks of queues whose history is too short to forecast from are left out.
    """
    found: dict[int, float] = {}
    with store.reading() as connection:
        brand = load_brand(connection)
        campaigns = load_campaigns(connection)
        held = mark_rows.load(connection, queue=queue)
        today = local_midnight(local_day(store.clock.now(), brand.tz), brand.tz)
        names = {one.name for one in brand.queues} & {mark.queue for mark in held}
        volumes = load_volumes(connection, end=today, queues=names)
    own = forecasters((DEFAULT,), seed=1)[0]
    for name in sorted(names):
        rows = volumes[volumes["queue"] == name]
        try:
            history, _ = history_of(rows_of(rows, name, today), brand, campaigns, name, held)
        except DataError:
            continue
        week = day_range(history.days[-1] + DAY, history.days[-1] + 7 * DAY)
        own_marks = [mark for mark in held if mark.queue == name]
        for mark in own_marks[-newest:] if newest else own_marks:
            if mark.mark_id is not None:
                found[mark.mark_id] = effect_of(history, mark, own, week, brand.tz)
    return found


def add_mark(store: Store, mark: Mark, actor: str) -> int:
    """Keep a mark that a person sets, with what was counted in its span; gives its id.

    NotFound for an unknown queue, RequestError for a span off the grid or in the future, Conflict
    for a mark that is there.
    """
    check_span(mark.start, mark.end)
    if not mark.reason.strip():
        raise RequestError("a mark needs a reason: those who read the forecast ask why")
    if mark.start >= store.clock.now():
        raise RequestError(
            f"the mark begins at {format_instant(mark.start)}, in the future; marks are on the "
            "past. To change what is to come use `wfm adjust`"
        )
    with store.writing(actor) as writing:
        load_brand(writing.connection).queue(mark.queue)
        counted = load_volumes(
            writing.connection, start=mark.start, end=mark.end, queues=[mark.queue]
        )
        return mark_rows.insert(
            writing, replace(mark, contacts=float(counted["contacts"].sum()), mark_id=None)
        )


def decide(store: Store, mark_id: int, state: MarkState, actor: str) -> Mark:
    """Accept or reject a mark, or open it again ("proposed"); gives it as it then is.

    NotFound when there is none.
    """
    with store.writing(actor) as writing:
        return mark_rows.decide(writing, mark_id, state)
