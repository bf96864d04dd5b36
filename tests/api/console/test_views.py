from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from api.console.views import Views
from api.planning import records
from forecasting.scenarios.sums import Calibration
from wfm.adjustments import Adjustment
from wfm.errors import TryLater
from wfm.frames import QUANTILE_COLUMNS
from wfm.store.engine import open_store
from wfm.store.forecasts import Version
from wfm.timegrid import FixedClock


def test_an_empty_store_has_no_brand_and_no_plan(store):
    views = Views(store)

    assert views.brand() is None
    assert views.plan() is None
    assert views.agents() == ()


def test_the_newest_draft_is_shown_until_something_is_published(store, fill, brand):
    draft = fill(store)
    views = Views(store)

    assert views.brand() == brand
    assert (views.plan().plan_id, views.plan().state) == (draft, "draft")

    records.publish(store, draft, "test")

    assert (views.plan().state, views.plan().version) == ("published", 1)


def test_a_newer_draft_does_not_hide_the_published_plan(store, fill):
    published = fill(store)
    records.publish(store, published, "test")
    with store.reading() as connection:
        document = records.plans.find(connection, published)
        certificate = records.plans.certificate_document(connection, published)
    with store.writing("test") as writing:
        newer = records.plans.insert_draft(
            writing,
            start=document.start,
            end=document.end,
            seed=99,
            lineage={},
            summary={},
            certificate=certificate,
            forecast=Version(records.plans.read_frame(writing.connection, "forecast", published)),
            frames={
                name: records.plans.read_frame(writing.connection, name, published)
                for name in ("requirement", "roster", "staffing", "on_shift")
            },
        )

    assert newer > published
    assert Views(store).plan().plan_id == published


def test_the_tables_are_those_that_were_stored_and_are_read_once(store, fill, plan):
    fill(store)
    views = Views(store)

    first, again = views.plan(), views.plan()

    assert first.tables is again.tables
    assert len(first.tables.roster) == len(plan.tables.roster)
    assert first.tables.staffing["required"].sum() == plan.tables.staffing["required"].sum()
    assert set(first.tables.hours["queue"]) == {"", "x", "facebook", "instagram"}


def test_history_is_what_was_imported(store, fill, plan):
    fill(store)

    week = Views(store).history(plan.start - timedelta(days=7), plan.start)

    assert len(week) == 7 * 96 * 3


def test_a_clock_that_stands_still_counts_as_set(sqlite_url):
    store = open_store(sqlite_url, clock=FixedClock(datetime(2026, 3, 2, tzinfo=UTC)))

    assert Views(store).now().is_set

    store.close()


def test_the_machines_clock_does_not_count_as_set(sqlite_url):
    store = open_store(sqlite_url)

    assert not Views(store).now().is_set

    store.close()


# -- forecasts ------------------------------------------------------------------------------------


@pytest.fixture
def kept(store, keep_forecast) -> Views:
    """Reads of a store with a forecast and a mark."""
    keep_forecast(store)
    return Views(store)


def test_a_queues_quarter_hours_keep_their_own_quantiles(kept):
    piece = kept.forecast(kept.versions()[0]).whole

    own = piece.bands(("x",), "15min")

    rows = piece.table[piece.table["queue"] == "x"].set_index("start")
    pd.testing.assert_frame_equal(own, rows[["mean", *QUANTILE_COLUMNS]], check_freq=False)


def test_a_sums_mean_is_the_sum_of_the_means_and_its_quantiles_ascend(kept):
    piece = kept.forecast(kept.versions()[0]).whole

    both = piece.bands(("x", "facebook"), "hour")

    wanted = piece.table[piece.table["queue"].isin(["x", "facebook"])]["mean"].sum()
    assert both["mean"].sum() == pytest.approx(wanted)
    assert (np.diff(both[list(QUANTILE_COLUMNS)].to_numpy(), axis=1) >= 0).all()
    assert piece.bands(("x", "facebook"), "hour") is both


def test_a_totals_bands_are_stretched_by_what_was_learned_of_it(kept):
    piece = kept.forecast(kept.versions()[0]).whole
    both = ("x", "facebook")
    wider = Calibration({"hour": (2.0,) * len(QUANTILE_COLUMNS)})

    learned = replace(piece, calibrations={frozenset(both): wider})

    own, told = (one.bands(both, "hour") for one in (piece, learned))
    assert (told["q975"] - told["q50"] >= own["q975"] - own["q50"]).all()
    assert (told["q975"] - told["q50"]).sum() > 1.5 * (own["q975"] - own["q50"]).sum()
    pd.testing.assert_frame_equal(piece.bands(("x",), "hour"), learned.bands(("x",), "hour"))


def test_a_version_is_read_once_until_an_adjustment_changes_it(kept):
    version = kept.versions()[0]
    first = kept.forecast(version)
    change = Adjustment(
        "x", version.start, version.start + timedelta(days=1), "percent", "TV spot", value=10
    )

    number = kept.adjust(change, "cli:ann")
    adjusted = kept.forecast(version)

    assert kept.forecast(version) is adjusted
    assert adjusted.whole.table["mean"].sum() > first.whole.table["mean"].sum()
    assert adjusted.model["mean"].sum() == pytest.approx(first.whole.table["mean"].sum())

    kept.withdraw(number, "cli:ann")

    assert kept.forecast(version) is first


def test_the_effect_of_the_other_decision_is_told_anew_once_a_mark_is_decided(kept):
    (mark,) = kept.marks()
    proposed = kept.mark_effects([mark.queue])

    kept.decide(mark.mark_id, "rejected", "cli:ann")
    rejected = kept.mark_effects([mark.queue])

    # Its counts were normal, so nothing was left out of the baseline that rejecting puts back.
    assert proposed == {mark.mark_id: 0.0}
    assert rejected.keys() == proposed.keys()
    assert rejected != proposed


def test_without_a_runner_no_forecast_is_made(kept):
    with pytest.raises(TryLater, match="wfm serve"):
        kept.start_forecast(4, "cli:ann")


def test_a_forecast_is_asked_for_from_today_on(store, keep_forecast):
    asked = []
    jobs = SimpleNamespace(submit=lambda *given: asked.append(given) or "job-1")
    keep_forecast(store)

    assert Views(store, jobs).start_forecast(4, "cli:ann") == "job-1"

    ((kind, request, actor),) = asked
    assert (kind, actor) == ("forecast", "cli:ann")
    assert (request["start"], request["weeks"]) == ("2026-03-02", 4)
