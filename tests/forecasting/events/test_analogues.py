"""Past campaigns are measured as they were put in, together where they overlap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecasting.events.analogues import lessons_of
from forecasting.events.curves import campaign_shape, moved_by_campaigns
from forecasting.grid import fold_slots
from forecasting.protocol import History
from wfm.campaigns import Campaign
from wfm.frames import interval_index

UTC_ZONE = ZoneInfo("UTC")
FIRST = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 56


def campaign(day: int, *, hour: int = 9, hours: float = 8, name: str = "", **more) -> Campaign:
    begin = FIRST + timedelta(days=day, hours=hour)
    more = {"half_life_min": 120.0, **more}
    return Campaign(name or f"day {day}", begin, begin + timedelta(hours=hours), ("x",), **more)


def history(
    *effects: tuple[Campaign, float],
    told: tuple[Campaign, ...] = (),
    level: float = 30.0,
    seed: int = 2,
    slots: int = 96,
    days: int = DAYS,
) -> History:
    """Counts with each campaign's uplift in; `told` are left out of the baseline."""
    starts = interval_index(FIRST, FIRST + timedelta(days=days))
    hour = np.asarray(starts.hour + starts.minute / 60)
    rate = level * (0.3 + np.exp(-(((hour - 14) / 5) ** 2)))
    rate = rate * (
        1 + sum((u * campaign_shape(c, starts) for c, u in effects), np.zeros(len(rate)))
    )
    rng = np.random.default_rng(seed)
    day = np.repeat(rng.gamma(400, 1 / 400, days), 96)
    dates, counts = fold_slots(starts, rng.poisson(rate * day).astype(float), UTC_ZONE, slots)
    counts = counts * (96 // slots)
    known = moved_by_campaigns(dates, told or [c for c, _ in effects], "x", UTC_ZONE, slots)
    return History("x", dates, counts, known)


@pytest.mark.parametrize("slots", [48, 96])
@pytest.mark.parametrize("uplift", [-0.4, 0.0, 0.5, 3.0])
def test_an_uplift_is_measured_as_it_was(uplift: float, slots: int):
    past = campaign(40)

    (seen,) = lessons_of(history((past, uplift), slots=slots), (past,), UTC_ZONE).analogues

    assert seen.log == pytest.approx(np.log1p(uplift), abs=3 * seen.sd)
    assert seen.sd < 0.15
    assert (seen.name, seen.queue, seen.category) == ("day 40", "x", "campaign")


def test_the_stated_spread_is_what_measurements_scatter_by():
    past = campaign(40)
    misses = []
    for seed in range(16):
        (seen,) = lessons_of(history((past, 0.8), seed=seed), (past,), UTC_ZONE).analogues
        misses.append((seen.log - np.log1p(0.8)) / seen.sd)

    assert 0.3 < np.sqrt(np.mean(np.square(misses))) < 1.5


def test_campaigns_that_overlap_are_told_apart():
    long, short = campaign(40, hours=30), campaign(40, hour=18, hours=6, name="flash")

    both = lessons_of(history((long, 0.5), (short, 1.5)), (long, short), UTC_ZONE).analogues

    found = {seen.name: np.expm1(seen.log) for seen in both}
    assert found["day 40"] == pytest.approx(0.5, abs=0.15)
    assert found["flash"] == pytest.approx(1.5, abs=0.35)


def test_twins_teach_nothing():
    one, other = campaign(40), campaign(40, name="twin")

    lessons = lessons_of(history((one, 0.5), (other, 1.5)), (one, other), UTC_ZONE)

    assert lessons.analogues == ()


def test_a_campaign_that_still_runs_teaches_what_it_has_shown():
    running = campaign(DAYS - 1, hour=10, hours=30)

    (seen,) = lessons_of(history((running, 1.0)), (running,), UTC_ZONE).analogues

    assert np.expm1(seen.log) == pytest.approx(1.0, abs=0.2)


def test_what_lies_outside_the_history_or_brings_nothing_is_left_out():
    coming, early = campaign(DAYS + 3), campaign(-30)
    other = Campaign("y", FIRST, FIRST + timedelta(hours=9), ("y",))

    assert lessons_of(history(), (coming, early, other), UTC_ZONE).analogues == ()
    quiet = campaign(40)
    assert lessons_of(history((quiet, 5.0), level=0.2), (quiet,), UTC_ZONE).analogues == ()


def test_one_wild_hour_under_a_campaign_hardly_moves_its_uplift():
    past = campaign(40, hours=12)
    calm = history((past, 0.8))
    counts = calm.counts.copy()
    counts[40, 56:58] += 5_000

    (before,) = lessons_of(calm, (past,), UTC_ZONE).analogues
    (after,) = lessons_of(History("x", calm.days, counts, calm.known), (past,), UTC_ZONE).analogues

    assert after.log == pytest.approx(before.log, abs=0.25)


@pytest.mark.parametrize("times", [0.4, 1.0, 2.5])
def test_how_fast_campaigns_fade_is_learned_and_shrunk_to_what_was_stated(times: float):
    stated = [campaign(day, half_life_min=120.0) for day in (20, 30, 40, 50)]
    true = [campaign(day, half_life_min=120.0 * times) for day in (20, 30, 40, 50)]
    past = history(*((one, 2.0) for one in true), level=60.0)

    ((category, found, count),) = lessons_of(past, stated, UTC_ZONE).fades

    assert (category, count) == ("campaign", 4)
    if times == 1:
        assert found == pytest.approx(1.0, abs=0.15)
    else:
        assert 0.5 < np.log(found) / np.log(times) < 1.05
