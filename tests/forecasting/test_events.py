"""Holidays and campaigns have the effect they should, and leave the baseline alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from forecasting.events import PRIOR_UPLIFT, campaign_shape, felt_until, holiday_shares
from forecasting.forecast import make_forecast
from forecasting.grid import day_range
from wfm.frames import interval_index

ENGINE = ("log_profile",)
BERLIN = ZoneInfo("Europe/Berlin")
# The Monday before Easter's Monday 2026; Good Friday is 3 April, Easter Monday 6 April.
BEFORE_EASTER = datetime(2026, 3, 29, 22, tzinfo=UTC)


def forecast(volumes, brand, *, start, weeks=1, campaigns=()):
    return make_forecast(
        volumes,
        brand,
        campaigns,
        start=start,
        end=start + timedelta(weeks=weeks),
        seed=1,
        models=ENGINE,
    )


def by_day(table: pd.DataFrame, column: str = "mean") -> pd.Series:
    return table[column].groupby(table["start"].dt.tz_convert(BERLIN).dt.date).sum()


def pushed(volumes: pd.DataFrame, campaign, uplift: float) -> pd.DataFrame:
    """The volumes with the campaign's true effect on them."""
    felt = np.array(
        [campaign.shape(at.to_pydatetime() + timedelta(minutes=7.5)) for at in volumes["start"]]
    )
    counts = np.round(volumes["contacts"] * (1 + uplift * felt)).astype("int64")
    return volumes.assign(contacts=counts)


# -- holidays ------------------------------------------------------------------------------------


def test_a_holiday_never_seen_before_is_like_a_sunday(make_volumes, make_brand):
    volumes = make_volumes(days=56, before=BEFORE_EASTER, level=40.0, day_cv=0.03)

    result = forecast(volumes, make_brand("x"), start=BEFORE_EASTER)

    days = by_day(result.table)
    friday, thursday, sunday = (days[date(2026, 4, d)] for d in (3, 2, 5))
    assert friday / thursday == pytest.approx(0.6, abs=0.08)
    assert friday == pytest.approx(sunday, rel=0.12)
    assert any("2026-04-03" in note and "quiet day" in note for note in result.notes)


def test_without_a_market_there_is_no_holiday(make_volumes, make_brand):
    volumes = make_volumes(days=56, before=BEFORE_EASTER, level=40.0, day_cv=0.03)

    days = by_day(forecast(volumes, make_brand("x", country=None), start=BEFORE_EASTER).table)

    assert days[date(2026, 4, 3)] == pytest.approx(days[date(2026, 4, 2)], rel=0.05)


def test_past_holidays_teach_the_next_and_leave_ordinary_days_alone(make_volumes, make_brand):
    start = datetime(2026, 5, 10, 22, tzinfo=UTC)  # Ascension Day is 14 May
    volumes = make_volumes(days=140, before=start, level=40.0, day_cv=0.03)
    local = volumes["start"].dt.tz_convert(BERLIN).dt.date
    feasts = [date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1)]
    silent = volumes.assign(
        contacts=np.where(local.isin(feasts), volumes["contacts"] // 5, volumes["contacts"])
    )

    busy_days = by_day(forecast(volumes, make_brand("x"), start=start).table)
    quiet_days = by_day(forecast(silent, make_brand("x"), start=start).table)

    ascension, wednesday = date(2026, 5, 14), date(2026, 5, 13)
    assert busy_days[ascension] / busy_days[wednesday] > 0.75
    assert quiet_days[ascension] / quiet_days[wednesday] < 0.45
    assert quiet_days[wednesday] == pytest.approx(busy_days[wednesday], rel=0.01)


def test_a_holiday_in_one_of_two_markets_counts_half() -> None:
    days = day_range(np.datetime64("2026-10-02"), np.datetime64("2026-10-04"))

    assert holiday_shares(days, ("DE", "GB")).tolist() == [0.0, 0.5, 0.0]
    assert holiday_shares(days, ()).tolist() == [0.0, 0.0, 0.0]


# -- campaigns -----------------------------------------------------------------------------------


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
    # Three campaigns of +120 % and a prior of +50 % that is worth one.
    expected = np.expm1((3 * np.log1p(1.2) + np.log1p(PRIOR_UPLIFT)) / 4)
    assert uplift == pytest.approx(expected, abs=0.12)
    assert any("learned from 3 of its kind" in note for note in result.notes)


def test_without_a_past_campaign_the_prior_is_told_and_wide(
    make_volumes, make_brand, make_campaign, start
):
    coming = make_campaign(start + timedelta(days=3, hours=9), category="launch")

    plain = forecast(make_volumes(), make_brand("x"), start=start).table
    result = forecast(make_volumes(), make_brand("x"), start=start, campaigns=(coming,))

    at = plain["start"] == coming.start + timedelta(hours=6)
    assert (result.table.loc[at, "mean"] / plain.loc[at, "mean"]).item() == pytest.approx(1.5)
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
