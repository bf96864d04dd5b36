"""The shape of a campaign: it rises, holds until its end, then halves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.campaigns import Campaign

laws = settings(max_examples=50, deadline=None, derandomize=True)

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@st.composite
def campaigns(draw):
    return Campaign(
        "sale",
        START,
        START + timedelta(minutes=draw(st.integers(1, 3000))),
        ("x",),
        rise_min=draw(st.sampled_from([0.0, 15.0, 60.0, 600.0])),
        half_life_min=draw(st.sampled_from([15.0, 240.0])),
    )


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


@laws
@given(campaign=campaigns(), minutes=st.integers(-600, 6000))
def test_the_shape_is_a_share_and_nothing_before_the_start(campaign, minutes):
    level = campaign.shape(after(minutes))
    assert 0.0 <= level <= 1.0
    assert minutes >= 0 or level == 0.0


@laws
@given(campaign=campaigns(), a=st.integers(0, 6000), b=st.integers(0, 6000))
def test_it_never_falls_before_its_end_and_never_rises_after(campaign, a, b):
    earlier, later = after(min(a, b)), after(max(a, b))
    if later <= campaign.end:
        assert campaign.shape(earlier) <= campaign.shape(later)
    if earlier >= campaign.end:
        assert campaign.shape(earlier) >= campaign.shape(later)


@laws
@given(campaign=campaigns(), minutes=st.integers(0, 2000))
def test_it_halves_with_every_half_life_after_its_end(campaign, minutes):
    at = campaign.end + timedelta(minutes=minutes)
    half = at + timedelta(minutes=campaign.half_life_min)
    assert campaign.shape(half) == pytest.approx(campaign.shape(at) / 2)


def test_a_campaign_that_ends_while_it_rises_decays_from_the_level_it_reached():
    short = Campaign("flash", START, after(30), ("x",), rise_min=60.0, half_life_min=60.0)
    assert short.shape(short.end) == 0.5
    assert short.shape(after(90)) == 0.25


def test_a_campaign_without_a_rise_is_at_its_peak_at_once():
    sudden = Campaign("news", START, after(60), ("x",), rise_min=0.0)
    assert sudden.shape(START) == 1.0
