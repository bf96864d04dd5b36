"""What pushed a queue is found where it was planted, as large and as long as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecasting.events.marks import mark_masks
from forecasting.grid import fold
from forecasting.protocol import History
from forecasting.scenarios.pushes import Push, pushes_of
from wfm.campaigns import Campaign
from wfm.frames import interval_index
from wfm.marks import Mark

ZONE = ZoneInfo("Europe/Berlin")
# Local midnight of a Monday; in the sixth week clocks go forward.
FIRST = datetime(2026, 2, 15, 23, tzinfo=UTC)
STARTS = interval_index(FIRST, FIRST + timedelta(days=49))
HOUR = np.asarray((STARTS.hour + STARTS.minute / 60), dtype=float)
USUAL = 10.0 + 20.0 * np.exp(-(((HOUR - 13) / 5) ** 2))
AT = FIRST + timedelta(days=24, hours=12)


def shape(start: datetime, length_min: float, half_life_min: float, rise_min: float = 0.0):
    push = Campaign(
        "planted", start, start + timedelta(minutes=length_min), ("x",),
        rise_min=rise_min, half_life_min=half_life_min,
    )  # fmt: skip
    middle = timedelta(minutes=7.5)
    return np.array([push.shape(at.to_pydatetime() + middle) for at in STARTS])


def history(factor: np.ndarray, *, seed: int = 1) -> History:
    """Counts of seven weeks whose rate is the usual times `factor`; NaN leaves the count out."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(USUAL * np.nan_to_num(factor)).astype(float)
    days, matrix = fold(STARTS, np.where(np.isfinite(factor), counts, np.nan), ZONE)
    return History("x", days, matrix, np.zeros_like(matrix, dtype=bool))


def between(start: datetime, hours: float) -> np.ndarray:
    at = STARTS
    return np.asarray((at >= start) & (at < start + timedelta(hours=hours)))


def found(past: History, *marks: Mark, campaigns: tuple[Campaign, ...] = ()) -> tuple[Push, ...]:
    return pushes_of(past, campaigns, marks, ZONE)


@pytest.mark.parametrize(
    ("factor", "length_min", "half_life_min"),
    [(3.0, 120, 60), (4.0, 60, 30), (6.0, 30, 120), (4.0, 360, 60)],
)
def test_a_planted_spike_is_recovered(factor: float, length_min: int, half_life_min: int):
    curve = 1 + (factor - 1) * shape(AT, length_min, half_life_min)

    (push,) = found(history(curve))

    assert (push.kind, push.cause, push.start) == ("spike", "viral", AT)
    assert push.factor == pytest.approx(factor, rel=0.15)
    assert abs(np.log(push.factor / factor)) < 3 * push.sd
    assert push.length_min == pytest.approx(length_min, rel=0.6)
    assert push.half_life_min == pytest.approx(half_life_min, rel=1.1)


def test_a_slow_rise_is_told_from_a_sudden_one():
    sudden, slow = (
        found(history(1 + 4 * shape(AT, 180, 60, rise)))[0].rise_min for rise in (0.0, 60.0)
    )

    assert sudden is not None
    assert slow is not None
    assert sudden <= 15 < slow


def test_calm_weeks_have_no_push():
    assert found(history(np.ones(len(STARTS)))) == ()


def test_a_spike_is_measured_on_a_busy_day_beside_what_the_day_brings_anyway():
    busy = np.where(between(FIRST + timedelta(days=24), 24), 1.3, 1.0)

    (push,) = found(history(busy * (1 + 4 * shape(AT, 120, 60))))

    assert push.factor == pytest.approx(5.0, rel=0.15)


def test_what_a_person_says_is_normal_is_no_push():
    past = history(1 + 4 * shape(AT, 120, 60))
    normal = Mark("x", AT - timedelta(hours=1), AT + timedelta(hours=12), "outlier", "rejected")
    _, trusted = mark_masks([normal], "x", past.days, ZONE)

    assert found(replace(past, trusted=trusted), normal) == ()


def test_an_outlier_that_a_person_confirms_is_a_push_still():
    past = history(1 + 4 * shape(AT, 120, 60))
    confirmed = Mark("x", AT, AT + timedelta(hours=6), "outlier", "accepted")
    known, _ = mark_masks([confirmed], "x", past.days, ZONE)

    (push,) = found(replace(past, known=known), confirmed)

    assert push.factor == pytest.approx(5.0, rel=0.15)


def test_a_campaign_is_measured_as_its_category_and_is_no_viral_spike():
    launch = Campaign(
        "new phone", AT, AT + timedelta(hours=4), ("x",), "launch", rise_min=30, half_life_min=60
    )
    felt = shape(AT, 240, 60, 30)
    past = history(1 + 3 * felt)
    _, moved = fold(STARTS, (felt > 0).astype(float), ZONE)

    (push,) = found(replace(past, known=np.nan_to_num(moved) > 0), campaigns=(launch,))

    assert (push.kind, push.cause, push.length_min) == ("campaign", "launch", 240)
    assert push.factor == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("absent", [False, True], ids=["zeros", "missing"])
def test_an_outage_is_found_with_its_length_and_what_came_after_it(absent: bool):
    after = AT + timedelta(hours=3)
    curve = 1 + 1.5 * shape(after, 30, 60)
    gone = between(AT, 3)

    outage, aftermath = found(history(np.where(gone, np.nan if absent else 0.0, curve)))

    assert (outage.kind, outage.start, outage.length_min) == ("outage", AT, 180)
    assert np.isnan(outage.factor) if absent else outage.factor == 0.0
    assert (aftermath.kind, aftermath.cause, aftermath.start) == ("aftermath", "outage", after)
    assert aftermath.factor == pytest.approx(2.5, rel=0.2)


def test_the_hour_that_clocks_leave_out_and_a_day_without_a_file_are_no_outages():
    lost = FIRST + timedelta(days=17, hours=4)

    assert found(history(np.where(between(lost, 20), np.nan, 1.0))) == ()


def test_an_outage_that_a_person_marked_counts_though_something_came_in():
    marked = Mark("x", AT, AT + timedelta(hours=2), "outage", "accepted")
    past = history(np.where(between(AT, 2), 0.3, 1.0))
    known, _ = mark_masks([marked], "x", past.days, ZONE)

    outage, aftermath = found(replace(past, known=known), marked)

    assert outage.factor == pytest.approx(0.3, abs=0.1)
    assert aftermath.length_min is None  # nothing came after it that could tell a shape
    assert aftermath.factor == pytest.approx(1.0, abs=0.35)


def test_longer_handling_during_a_push_is_told():
    past = history(1 + 4 * shape(AT, 120, 60))
    slower = np.where(between(AT, 3), 390.0, 300.0)
    _, aht_s = fold(STARTS, slower, ZONE)

    (push,) = pushes_of(past, (), (), ZONE, aht_s=aht_s)

    assert push.handling is not None
    ratio, sd = push.handling
    assert ratio == pytest.approx(1.3, abs=0.02)
    assert 0.1 <= sd < 0.15
