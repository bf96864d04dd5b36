"""Versions of forecasts: made, kept, adjusted when read, scored when the truth comes; on both
databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from api.planning import forecasts, records
from api.planning.plan import PlanInputs, compute_plan
from api.planning.reasons import of_another_day, why
from forecasting.forecast import make_forecast
from wfm.adjustments import Adjustment
from wfm.campaigns import Campaign
from wfm.errors import NotFound, RequestError
from wfm.frames import FORECAST, QUANTILE_COLUMNS, interval_index
from wfm.marks import Mark
from wfm.store import forecasts as rows
from wfm.store.brands import save_brand
from wfm.store.campaigns import save_campaigns
from wfm.store.engine import Store
from wfm.store.forecasts import Version
from wfm.store.people import save_agents
from wfm.store.volumes import Count, record_import, write_counts

MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
QUARTER = timedelta(minutes=15)

Come = Callable[[pd.DataFrame], None]


@pytest.fixture
def come(make_store) -> Come:
    """Imports counts."""

    def take_in(volumes: pd.DataFrame) -> None:
        with make_store().writing("ann") as writing:
            number = record_import(writing, "volumes", "f.csv", sha256="", options={})
            counts = (
                ((row.queue, row.start.to_pydatetime()), Count(row.contacts, row.aht_s))
                for row in volumes.itertuples()
            )
            write_counts(writing, "volumes", counts, number)

    return take_in


@pytest.fixture
def store(make_store, inputs: PlanInputs, come: Come) -> Store:
    """The small brand with its four weeks of history, at nine in the morning after them."""
    opened = make_store()
    with opened.writing("ann") as writing:
        save_brand(writing, inputs.brand)
    come(inputs.volumes)
    return opened


def week_of(start: datetime, contacts: int | np.ndarray = 3) -> pd.DataFrame:
    """A week of counts of both queues."""
    index = interval_index(start, start + WEEK)
    table = pd.DataFrame({"start": index, "contacts": contacts, "aht_s": 250.0})
    return pd.concat([table.assign(queue=queue) for queue in ("day", "night")], ignore_index=True)


def make_version(start: datetime, end: datetime) -> Version:
    index = interval_index(start, end)
    mean = 2.0 + np.arange(len(index)) % 96 / 24
    levels = {name: mean * (0.4 + 0.2 * i) for i, name in enumerate(QUANTILE_COLUMNS)}
    one = pd.DataFrame({"start": index, "mean": mean, **levels, "aht_s": 240.0})
    table = pd.concat([one.assign(queue=q, model="blend") for q in ("day", "night")])
    table = FORECAST.check(table.astype({"queue": "str", "model": "str"}))
    return Version(table, naive=[4.0] * len(table), inputs={"queues": ["day", "night"]})


@pytest.fixture
def kept(store: Store, inputs: PlanInputs) -> int:
    """A version of the week after the history, made of formulas."""
    start, end = inputs.start, inputs.start + WEEK
    with store.writing("ann") as writing:
        return rows.insert(
            writing, make_version(start, end), kind="standing", start=start, end=end, seed=1
        )


# -- making --------------------------------------------------------------------------------------


def test_a_version_keeps_what_was_forecast_and_what_it_is_measured_against(store, inputs):
    request = forecasts.ForecastRequest(MONDAY, weeks=1, seed=3, models=("blend",))
    key = forecasts.make(store, request, "ann")
    version = forecasts.load(store)
    expected = make_forecast(
        inputs.volumes, inputs.brand, (),
        start=inputs.start, end=inputs.start + WEEK, seed=3, models=("blend",),
    )  # fmt: skip
    table, parts = version.table(), version.parts()
    order = ["start", "queue"]
    pd.testing.assert_frame_equal(table, expected.table.sort_values(order, ignore_index=True))
    pd.testing.assert_frame_equal(parts, expected.parts.sort_values(order, ignore_index=True))
    assert (version.forecast_id, version.kind, version.actor) == (key, "standing", "ann")
    assert version.made_at == store.clock.now()
    assert version.queues == ("day", "night")
    assert version.champions == dict(expected.champions)
    assert version.accuracy == expected.accuracy
    assert version.notes == expected.notes
    assert version.noise == expected.noise
    # The brand's total is over both queues.
    assert version.calibrations[frozenset(version.queues)] == expected.calibrations[""]
    assert forecasts.newest_accuracy(store, "night") == tuple(
        line for line in expected.accuracy if line.queue == "night"
    )
    with store.reading() as connection:
        naive = rows.read_naive(connection, key)
    before = inputs.volumes.assign(start=inputs.volumes["start"] + WEEK)
    same = table[order].merge(before, on=order)
    assert naive == same["contacts"].tolist()


def test_a_job_that_is_carried_out_again_finds_its_version(store: Store):
    request = forecasts.ForecastRequest(MONDAY, 1, ("night",), 1, ("weekly_naive",))
    first = forecasts.make(store, request, "ann", job_id="j")
    assert forecasts.make(store, request, "ann", job_id="j") == first
    assert len(forecasts.listing(store)) == 1
    assert forecasts.load(store).queues == ("night",)
    with pytest.raises(NotFound, match="of queue 'day' yet"):
        forecasts.load(store, queue="day")


def test_what_was_found_in_the_past_is_proposed_once_and_a_decision_on_it_is_obeyed(
    store: Store, come: Come, inputs: PlanInputs
):
    burst = inputs.volumes[
        (inputs.volumes["queue"] == "night")
        & (inputs.volumes["start"] >= pd.Timestamp(inputs.start - 5 * DAY))
        & (inputs.volumes["start"] < pd.Timestamp(inputs.start - 5 * DAY + 8 * QUARTER))
    ]
    come(burst.assign(contacts=200))
    request = forecasts.ForecastRequest(MONDAY, 1, ("night",), 1, ("blend",))

    def total() -> float:
        key = forecasts.make(store, request, "ann")
        return float(forecasts.load(store, key).table()["mean"].sum())

    without = total()
    (mark,) = forecasts.marks(store)
    assert (mark.queue, mark.kind, mark.state) == ("night", "outlier", "proposed")
    assert mark.start <= inputs.start - 5 * DAY < mark.end
    assert mark.contacts >= 1600 > mark.expected
    assert total() == pytest.approx(without)
    assert len(forecasts.marks(store)) == 1

    effect = forecasts.mark_effects(store)[mark.mark_id]
    forecasts.decide(store, mark.mark_id, "rejected", "ann")
    assert total() - without == pytest.approx(effect, rel=0.25)
    assert effect > 20
    forecasts.decide(store, mark.mark_id, "proposed", "ann")
    assert total() == pytest.approx(without)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weeks": 0}, "1 to 8 weeks"),
        ({"weeks": 9}, "1 to 8 weeks"),
        ({"seed": -1}, "between 0 and"),
        ({"start": date(1999, 1, 1)}, "between 2000 and"),
        ({"queues": ()}, "of no queue"),
    ],
)
def test_a_request_out_of_range_is_refused(change: dict[str, object], words: str):
    with pytest.raises(RequestError, match=words):
        forecasts.ForecastRequest(**{"start": MONDAY, **change})


def test_a_request_survives_its_document():
    request = forecasts.ForecastRequest(MONDAY, 3, ("x", "y"), 7, ("blend",))
    assert forecasts.ForecastRequest.from_document(request.to_document()) == request
    plain = forecasts.ForecastRequest(MONDAY)
    assert forecasts.ForecastRequest.from_document(plain.to_document()) == plain


def test_a_forecast_is_named_by_id_or_latest():
    assert (forecasts.which_forecast("7"), forecasts.which_forecast("latest")) == (7, "latest")
    for text in ("newest", "-1", "9" * 12, "current"):
        with pytest.raises(RequestError, match="names no forecast"):
            forecasts.which_forecast(text)


def test_no_future_is_looked_at(store: Store, come: Come, inputs: PlanInputs):
    come(week_of(inputs.start, 99))
    basis = forecasts.load_basis(store, forecasts.ForecastRequest(MONDAY))
    assert basis.volumes["start"].max() < pd.Timestamp(inputs.start)
    assert basis.end == inputs.start + 2 * WEEK


# -- scoring -------------------------------------------------------------------------------------


def test_a_version_is_scored_as_counts_come_and_only_then(
    store: Store, come: Come, kept: int, inputs: PlanInputs
):
    assert forecasts.score_due(store) == 0
    rng = np.random.default_rng(2)
    truth = week_of(inputs.start, rng.poisson(4.0, 7 * 96))
    first_days = truth[truth["start"] < pd.Timestamp(inputs.start + 2 * DAY)]
    come(first_days)
    assert forecasts.score_due(store) == 1
    assert forecasts.score_due(store) == 0
    early = forecasts.scores(store, queue="day")
    assert early.set_index(["step", "lead_days"])["intervals"].to_dict() == {
        ("15min", "1"): 96, ("hour", "1"): 24, ("day", "1"): 1,
        ("15min", "2-7"): 96, ("hour", "2-7"): 24, ("day", "2-7"): 1,
    }  # fmt: skip

    come(truth)
    assert forecasts.score_due(store) == 1
    assert forecasts.score_due(store) == 0
    scores = forecasts.scores(store)
    assert list(scores.columns) == list(forecasts.SCORE_COLUMNS)
    assert set(scores["forecast_id"]) == {kept}
    quarters = scores[(scores["step"] == "15min") & (scores["lead_days"] == "2-7")]
    table = forecasts.load(store, kept).table(queues=["night"])
    came = truth[truth["queue"] == "night"]["contacts"].to_numpy()[96:]
    night = quarters[quarters["queue"] == "night"].iloc[0]
    assert night["intervals"] == 6 * 96
    assert night["contacts"] == came.sum()
    missed = np.abs(table["q50"].to_numpy()[96:] - came)
    assert night["wape"] == pytest.approx(missed.sum() / came.sum())
    assert night["naive_wape"] == pytest.approx(np.abs(4.0 - came).sum() / came.sum())
    pd.testing.assert_frame_equal(
        early[early["lead_days"] == "1"].reset_index(drop=True),
        scores[(scores["lead_days"] == "1") & (scores["queue"] == "day")].reset_index(drop=True),
    )


def test_a_count_that_is_corrected_is_scored_again(store, come: Come, kept: int, inputs):
    come(week_of(inputs.start, 3))
    forecasts.score_due(store)
    before = forecasts.scores_of(store, kept)
    come(week_of(inputs.start, 6))
    assert forecasts.score_due(store) == 1
    after = forecasts.scores_of(store, kept)
    assert (after["contacts"] == 2 * before["contacts"]).all()


def test_an_accepted_outage_is_left_out_of_scores_until_it_is_rejected(
    store, make_store, come: Come, kept: int, inputs
):
    def quarters(queue: str) -> int:
        rows = forecasts.scores_of(store, kept)
        chosen = (rows["step"] == "15min") & (rows["queue"] == queue) & (rows["lead_days"] == "1")
        return int(rows[chosen]["intervals"].sum())

    come(week_of(inputs.start, 3)[lambda t: t["start"] < pd.Timestamp(inputs.start + DAY)])
    forecasts.score_due(store)
    later = make_store(now=inputs.start + WEEK)
    outage = Mark("day", inputs.start, inputs.start + DAY / 2, "outage", "accepted", reason="down")
    key = forecasts.add_mark(later, outage, "ann")
    assert forecasts.score_due(store) == 1
    assert (quarters("day"), quarters("night")) == (48, 96)
    assert forecasts.score_due(store) == 0

    forecasts.add_mark(later, replace(outage, start=outage.end, end=inputs.start + DAY), "ann")
    forecasts.score_due(store)
    assert set(forecasts.scores_of(store, kept)["queue"]) == {"night"}

    forecasts.decide(store, key, "rejected", "ann")
    assert forecasts.score_due(store) == 1
    assert (quarters("day"), quarters("night")) == (48, 96)


def test_two_who_score_at_once_keep_one_score(store: Store, make_store, come, kept: int, inputs):
    come(week_of(inputs.start))
    stores = [make_store() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(forecasts.score_due, stores))
    assert sum(done) == 1
    key = ["queue", "step", "lead_days"]
    scores = forecasts.scores(store)
    assert not scores.duplicated(key).any()
    assert len(scores) == 2 * 3 * 2
    assert forecasts.score_due(store) == 0


def test_scores_are_of_the_versions_made_in_the_last_days(make_store, come, kept: int, inputs):
    come(week_of(inputs.start))
    later = make_store(now=inputs.start + 40 * DAY)
    forecasts.score_due(later)
    assert forecasts.scores(later, days=28).empty
    assert not forecasts.scores(later, days=41).empty
    assert forecasts.scores(later, days=28).dtypes.equals(forecasts.scores(later, days=41).dtypes)
    with pytest.raises(RequestError, match="1 to 3,660"):
        forecasts.scores(later, days=0)
    with pytest.raises(NotFound, match="no queue 'nope'"):
        forecasts.scores(later, queue="nope")


def test_long_after_its_end_a_scored_version_keeps_its_scores_and_loses_its_rows(
    store: Store, make_store, come: Come, kept: int, inputs
):
    long_after = make_store(now=inputs.start + WEEK + forecasts.ROWS_KEPT + DAY)
    assert forecasts.forget_old(long_after, "ann") == 0  # not scored yet
    come(week_of(inputs.start))
    forecasts.score_due(store)
    scores = forecasts.scores_of(store, kept)
    assert forecasts.forget_old(make_store(now=inputs.start + 2 * WEEK), "ann") == 0

    assert forecasts.forget_old(long_after, "ann") == 1
    assert forecasts.forget_old(long_after, "ann") == 0
    version = forecasts.load(store, kept)
    assert version.table().empty
    assert not version.whole
    assert "its rows were dropped at 2026-06" in version.notes[0]
    # A late correction can be scored on nothing, and takes no score away.
    come(week_of(inputs.start, 9))
    assert forecasts.score_due(store) == 0
    pd.testing.assert_frame_equal(forecasts.scores_of(store, kept), scores)


def test_what_a_plan_was_made_on_is_never_forgotten(store, make_store, come: Come, inputs):
    with store.writing("ann") as writing:
        rows.insert(
            writing,
            make_version(inputs.start, inputs.start + WEEK),
            kind="plan",
            start=inputs.start,
            end=inputs.start + WEEK,
            seed=1,
        )
    come(week_of(inputs.start))
    assert forecasts.score_due(store) == 1
    assert forecasts.forget_old(make_store(now=inputs.start + 99 * WEEK), "ann") == 0


# -- adjustments ---------------------------------------------------------------------------------


def test_an_adjustment_is_put_on_when_read_and_off_when_withdrawn(store, kept: int, inputs):
    version = forecasts.load(store, kept)
    own = version.table()
    noon = inputs.start + DAY / 2
    spot = Adjustment("day", noon, noon + 4 * QUARTER, "percent", "TV spot", value=50.0)
    key = forecasts.adjust(store, spot, "ann")
    table, parts = version.adjusted()
    inside = (
        (own["queue"] == "day")
        & (own["start"] >= pd.Timestamp(noon))
        & (own["start"] < pd.Timestamp(noon + 4 * QUARTER))
    )
    assert inside.sum() == 4
    np.testing.assert_allclose(table["mean"], own["mean"] * np.where(inside, 1.5, 1.0))
    together = parts[["baseline", "holiday", "campaign", "correction"]].sum(axis=1)
    np.testing.assert_allclose(together, table["mean"])
    pd.testing.assert_frame_equal(version.table(), own)
    assert [one.adjustment_id for one in version.active()] == [key]
    assert version.active(["night"]) == ()

    forecasts.withdraw(store, key, "bob")
    pd.testing.assert_frame_equal(version.adjusted()[0], own)
    assert forecasts.adjustments(store) == ()
    assert len(forecasts.adjustments(store, active=False)) == 1


def test_a_part_of_an_adjusted_forecast_is_that_part_of_the_whole(store, kept: int, inputs):
    noon = inputs.start + DAY / 2
    wanted = Adjustment("day", noon, noon + 8 * QUARTER, "set", "sale", value=100.0)
    forecasts.adjust(store, wanted, "ann")
    version = forecasts.load(store, kept)
    start, end = noon + QUARTER, noon + 3 * QUARTER
    for part, whole in zip(version.adjusted(start, end), version.adjusted(), strict=True):
        inside = (whole["start"] >= pd.Timestamp(start)) & (whole["start"] < pd.Timestamp(end))
        pd.testing.assert_frame_equal(part, whole[inside].reset_index(drop=True))
    only = version.adjusted(start, end, ["night"])[0]
    assert set(only["queue"]) == {"night"}


@pytest.mark.parametrize(("start", "end"), [(7, 60), (0, 7)])
def test_an_adjustment_off_the_grid_or_of_no_queue_is_refused(store, inputs, start, end):
    minute = timedelta(minutes=1)
    odd = Adjustment(
        "day", inputs.start + start * minute, inputs.start + end * minute, "set", "r", value=1.0
    )
    with pytest.raises(RequestError, match="between two intervals"):
        forecasts.adjust(store, odd, "ann")
    unknown = Adjustment("nope", inputs.start, inputs.start + DAY, "set", "r", value=1.0)
    with pytest.raises(NotFound, match="no queue 'nope'"):
        forecasts.adjust(store, unknown, "ann")
    assert forecasts.adjustments(store, active=False) == ()


def test_a_plan_is_made_on_the_adjusted_forecast_and_keeps_it(store: Store, inputs: PlanInputs):
    more = Adjustment("night", inputs.start, inputs.start + DAY, "percent", "launch", value=100.0)
    with store.writing("ann") as writing:
        save_agents(writing, inputs.agents)
    key = forecasts.adjust(store, more, "ann")
    request = records.PlanRequest(MONDAY, 1, 3, 2, ("blend",))
    loaded = records.load(store, request)
    assert [one.adjustment_id for one in loaded.adjustments] == [key]
    # Two days of the week, in a third of the time.
    end = inputs.start + 2 * DAY
    plan = compute_plan(replace(loaded, end=end))
    without = make_forecast(
        inputs.volumes, inputs.brand, (),
        start=inputs.start, end=end, seed=3, models=("blend",),
    ).table.sort_values(["start", "queue"], ignore_index=True)  # fmt: skip

    plan_id = records.save_draft(store, plan, "ann")
    stored = records.load_plan(store, plan_id)
    version = forecasts.load(store)
    assert (version.kind, version.plan_id) == ("plan", plan_id)
    pd.testing.assert_frame_equal(stored.forecast(), plan.forecast)
    pd.testing.assert_frame_equal(version.table(), plan.forecast)
    first = plan.forecast["start"] < pd.Timestamp(inputs.start + DAY)
    raised = first & (plan.forecast["queue"] == "night")
    np.testing.assert_allclose(plan.forecast["mean"], without["mean"] * np.where(raised, 2.0, 1.0))
    needed = plan.requirement.sort_values(["start", "queue"])["workload"].to_numpy()
    load = without["mean"].to_numpy() * without["aht_s"].to_numpy()
    assert (
        needed[raised].sum() / load[raised].sum()
        > 1.5 * needed[~raised].sum() / load[~raised].sum()
    )
    together = stored.parts()[["baseline", "holiday", "campaign", "correction"]].sum(axis=1)
    np.testing.assert_allclose(together, plan.forecast["mean"], rtol=1e-9)
    # What a plan was made on stays as it was, whatever becomes of the adjustment.
    assert [one.reason for one in version.adjustments] == ["launch"]
    assert version.active() == ()
    forecasts.withdraw(store, key, "bob")
    pd.testing.assert_frame_equal(version.adjusted()[0], plan.forecast)


# -- reasons and marks ---------------------------------------------------------------------------


def test_an_interval_is_taken_apart(store: Store, come: Come, kept: int, inputs: PlanInputs):
    noon = inputs.start + DAY / 2
    sale = Campaign("Spring sale", noon - DAY / 4, noon + DAY, ("day",))
    with store.writing("ann") as writing:
        save_campaigns(writing, [sale])
    forecasts.adjust(
        store, Adjustment("day", noon, noon + DAY, "percent", "TV spot", value=50.0), "ann"
    )
    come(week_of(inputs.start, 5))
    found = why(store, "day", noon + timedelta(minutes=7))
    parts = {part.name: part for part in found.parts}
    assert (found.start, found.forecast_id, found.model) == (noon, kept, "blend")
    assert found.mean == pytest.approx(1.5 * 4.0)
    assert sum(part.contacts for part in found.parts) == pytest.approx(found.mean)
    assert parts["baseline"].contacts == pytest.approx(4.0)
    assert parts["adjustment"].contacts == pytest.approx(2.0)
    assert parts["adjustment"].because == "+50 %: TV spot"
    assert parts["campaign"].because == "Spring sale (100 % of its peak): no change here."
    assert parts["holiday"].because == "No public holiday of the queue's markets."
    assert (found.last_week, found.came) == (4.0, 5.0)
    assert list(found.quantiles) == list(QUANTILE_COLUMNS)
    assert why(store, "night", noon).came == 5.0


def test_what_cannot_be_taken_apart_is_told(store: Store, kept: int, inputs: PlanInputs):
    with pytest.raises(NotFound, match="no queue 'nope'"):
        why(store, "nope", inputs.start)
    with pytest.raises(NotFound, match=r"no forecast covers queue 'day' .* `wfm forecast"):
        why(store, "day", inputs.start - DAY)
    with pytest.raises(NotFound, match=f"forecast {kept} does not cover"):
        why(store, "day", inputs.start - DAY, kept)


def test_a_mark_set_by_hand_is_accepted_with_what_was_counted(store: Store, inputs: PlanInputs):
    start = inputs.start - 3 * DAY
    mark = Mark("day", start, start + 2 * QUARTER, "outage", "accepted", reason="intake down")
    key = forecasts.add_mark(store, mark, "ann")
    (kept,) = forecasts.marks(store, "day")
    volumes = inputs.volumes
    inside = (
        (volumes["queue"] == "day")
        & (volumes["start"] >= pd.Timestamp(start))
        & (volumes["start"] < pd.Timestamp(start + 2 * QUARTER))
    )
    assert (kept.mark_id, kept.state) == (key, "accepted")
    assert kept.contacts == volumes["contacts"][inside].sum()
    assert forecasts.mark_effects(store) == {key: pytest.approx(0.0, abs=20.0)}
    for wrong, words in (
        (replace(mark, reason=" "), "needs a reason"),
        (replace(mark, start=inputs.start + WEEK, end=inputs.start + 2 * WEEK), "on the past"),
        (replace(mark, start=start + QUARTER / 2), "between two intervals"),
    ):
        with pytest.raises(RequestError, match=words):
            forecasts.add_mark(store, wrong, "ann")


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("x: public holiday Whit Monday on 2026-03-05, x0.80 (as on a quiet day)", False),
        ("x: public holiday Whit Monday on 2026-03-04, x0.80 (as on a quiet day)", True),
        ("x: taken for an outage and left out: zeros on 2025-12-01", True),
        ("x: rests on 30 days only", True),
    ],
)
def test_a_note_about_another_coming_day_is_not_told_of_an_interval(note: str, told: bool):
    first, last = date(2026, 3, 2), date(2026, 3, 16)

    assert of_another_day(note, date(2026, 3, 4), first, last) is not told
