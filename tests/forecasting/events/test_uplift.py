"""Campaigns have the effect they should, and leave the baseline alone."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.events.analogues import Lessons
from forecasting.events.curves import FELT, campaign_shape, felt_until, moved_by_campaigns
from forecasting.events.pooling import PRIOR_UPLIFT, Analogue
from forecasting.events.uplift import uplift_of
from forecasting.forecast import make_forecast
from forecasting.grid import day_range
from wfm.frames import interval_index

BERLIN = ZoneInfo("Europe/Berlin")
laws = settings(max_examples=30, deadline=None, derandomize=True)


def forecast(volumes, brand, *, start, campaigns=()):
    return make_forecast(
        volumes, brand, campaigns, start=start, end=start + timedelta(weeks=1), seed=1,
        models=("blend",),
    )  # fmt: skip


def pushed(volumes: pd.DataFrame, campaign, uplift: float) -> pd.DataFrame:
    """The volumes with the campaign's true effect on them."""
    felt = np.array(
        [campaign.shape(at.to_pydatetime() + timedelta(minutes=7.5)) for at in volumes["start"]]
    )
    counts = np.round(volumes["contacts"] * (1 + uplift * felt)).astype("int64")
    return volumes.assign(contacts=counts)


def test_the_shape_on_the_grid_is_the_campaign_s_own(make_campaign, start) -> None:
    campaign = make_campaign(start + timedelta(hours=5, minutes=3), hours=7)
    starts = interval_index(start, start + timedelta(days=3))

    shape = campaign_shape(campaign, starts)

    for i in range(0, len(starts), 5):
        middle = starts[i].to_pydatetime() + timedelta(minutes=7.5)
        if middle < felt_until(campaign):
            assert shape[i] == pytest.approx(campaign.shape(middle))
    assert shape[-1] == 0.0


def test_a_planned_uplift_is_put_on_top_and_the_bands_grow(
    make_volumes, make_brand, make_campaign, start
):
    volumes = make_volumes(level=40.0)
    coming = make_campaign(
        start + timedelta(days=2, hours=9), hours=8, uplift=1.5, half_life_min=120.0
    )

    plain = forecast(volumes, make_brand("x"), start=start).table
    result = forecast(volumes, make_brand("x"), start=start, campaigns=(coming,))

    table, peak = result.table, coming.start + timedelta(hours=4)
    at = table["start"] == peak
    assert table.loc[at, "mean"].item() == pytest.approx(2.5 * plain.loc[at, "mean"].item())
    width = [(t.loc[at, "q90"] - t.loc[at, "q10"]).item() for t in (table, plain)]
    assert width[0] > 2.5 * width[1]
    elsewhere = (table["start"] < coming.start) | (table["start"] >= felt_until(coming))
    pd.testing.assert_frame_equal(table[elsewhere], plain[elsewhere])
    assert any("+150%" in note and "as planned" in note for note in result.notes)


def test_an_uplift_is_learned_from_past_campaigns_of_its_kind(
    make_volumes, make_brand, make_campaign, start
):
    volumes = make_volumes(days=84, level=40.0, day_cv=0.05)
    past = [
        make_campaign(start - timedelta(days=back, hours=-9), hours=10, half_life_min=120.0)
        for back in (60, 39, 18)
    ]
    for campaign in past:
        volumes = pushed(volumes, campaign, uplift=1.2)
    coming = make_campaign(start + timedelta(days=3, hours=9), hours=10, half_life_min=120.0)

    plain = forecast(volumes, make_brand("x"), start=start, campaigns=past).table
    result = forecast(volumes, make_brand("x"), start=start, campaigns=(*past, coming))

    at = plain["start"] == coming.start + timedelta(hours=5)
    uplift = (result.table.loc[at, "mean"] / plain.loc[at, "mean"]).item() - 1
    # Three campaigns of +120 % alike leave little to the prior.
    assert PRIOR_UPLIFT < uplift == pytest.approx(1.1, abs=0.2)
    assert any("learned from 3 of its kind" in note for note in result.notes)


def test_without_a_past_campaign_the_prior_is_told_and_wide(
    make_volumes, make_brand, make_campaign, start
):
    coming = make_campaign(start + timedelta(days=3, hours=9), category="launch")

    plain = forecast(make_volumes(), make_brand("x"), start=start).table
    result = forecast(make_volumes(), make_brand("x"), start=start, campaigns=(coming,))

    at = plain["start"] == coming.start + timedelta(hours=6)
    middle, mean = ((result.table.loc[at, c] / plain.loc[at, c]).item() for c in ("q50", "mean"))
    assert middle == pytest.approx(1 + PRIOR_UPLIFT)
    # Some campaigns go far beyond their middle, none as far below it.
    assert 1.05 * middle < mean < 1.2 * middle
    assert any("a prior" in note for note in result.notes)


def test_past_campaigns_do_not_raise_ordinary_weeks(make_volumes, make_brand, make_campaign, start):
    volumes = make_volumes(days=42, level=40.0)
    past = make_campaign(start - timedelta(days=6), hours=60, half_life_min=240.0)

    calm = forecast(volumes, make_brand("x"), start=start).table
    told = forecast(
        pushed(volumes, past, 2.0), make_brand("x"), start=start, campaigns=(past,)
    ).table
    untold = forecast(pushed(volumes, past, 2.0), make_brand("x"), start=start).table

    assert told["mean"].sum() == pytest.approx(calm["mean"].sum(), rel=0.03)
    assert untold["mean"].sum() > 1.04 * calm["mean"].sum()


def test_a_campaign_on_another_queue_changes_nothing(
    make_volumes, make_brand, make_campaign, start
):
    both = pd.concat([make_volumes(queue="x"), make_volumes(queue="y", seed=2)], ignore_index=True)
    coming = make_campaign(start + timedelta(days=1), uplift=3.0)

    plain = forecast(both, make_brand("x", "y"), start=start).table
    table = forecast(both, make_brand("x", "y"), start=start, campaigns=(coming,)).table

    other = table["queue"] == "y"
    pd.testing.assert_frame_equal(table[other], plain[other])
    assert table.loc[~other, "mean"].sum() > 1.1 * plain.loc[~other, "mean"].sum()


# -- the shape and the uplift alone --------------------------------------------------------------


@laws
@given(
    offset_min=st.integers(0, 3000),
    hours=st.floats(0.1, 48),
    rise_min=st.sampled_from([0.0, 10.0, 60.0, 600.0]),
    half_life_min=st.sampled_from([5.0, 90.0, 1000.0]),
)
def test_the_shape_at_every_interval_is_the_campaign_s_own(
    make_campaign, start, offset_min, hours, rise_min, half_life_min
):
    campaign = make_campaign(
        start + timedelta(minutes=offset_min),
        hours=hours,
        rise_min=rise_min,
        half_life_min=half_life_min,
    )
    starts = interval_index(start, start + timedelta(days=5))[::7]

    shape = campaign_shape(campaign, starts)

    own = [campaign.shape(at.to_pydatetime() + timedelta(minutes=7.5)) for at in starts]
    np.testing.assert_allclose(shape, own, atol=FELT)
    assert ((shape >= 0) & (shape <= 1)).all()


@pytest.mark.parametrize("slots", [24, 48, 96])
def test_cells_of_a_campaign_are_those_it_is_felt_in(make_campaign, start, slots):
    campaign = make_campaign(start + timedelta(hours=9), hours=2, half_life_min=30.0)
    days = day_range(np.datetime64("2026-01-11"), np.datetime64("2026-01-13"))

    moved = moved_by_campaigns(days, (campaign,), "x", BERLIN, slots)

    # 09:00 to 11:00 local, and 6.6 half-lives.
    hours = np.flatnonzero(moved[1].reshape(24, -1).any(axis=1))
    assert hours.tolist() == list(range(9, 15))
    assert not moved[[0, 2]].any()
    assert not moved_by_campaigns(days, (campaign,), "y", BERLIN, slots).any()


def test_a_planned_uplift_is_kept_and_a_faster_fade_is_told(make_campaign, start):
    campaign = make_campaign(start, uplift=0.8, half_life_min=200.0)
    lessons = Lessons(fades=(("campaign", 0.5, 3), ("launch", 2.0, 1)))

    uplift = uplift_of(campaign, "x", lessons)

    assert uplift.peak == 0.8
    assert uplift.low < 0.8 < uplift.high
    assert uplift.campaign.half_life_min == pytest.approx(100.0)
    assert "fades faster than stated" in uplift.origin
    assert "half-life of 100 minutes" in uplift.origin


def test_other_queues_lend_where_the_queue_has_no_campaign_of_its_own(make_campaign, start):
    campaign = make_campaign(start)
    seen = [Analogue(f"sale {i}", "campaign", "y", log=1.2, sd=0.05) for i in range(4)]

    alone = uplift_of(campaign, "x", Lessons())
    lent = uplift_of(campaign, "x", Lessons(), elsewhere=seen)

    assert alone.peak == pytest.approx(PRIOR_UPLIFT)
    assert alone.peak < lent.peak < np.expm1(1.2)
    assert lent.high - lent.low < alone.high - alone.low + 1.0
    assert "4 of its kind on other queues" in lent.origin
