"""Breach-minutes, recovery and errors, on counts small enough to reckon by hand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.whatif.measures import (
    Counts,
    Side,
    breach_min,
    breach_without_each,
    curves,
    jackknife_se,
    lowest_hour,
    recovered_at,
    share_on_time,
)

START = datetime(2026, 3, 2, tzinfo=UTC)


def counts(on_time: object, judged: object, share: float = 0.9) -> Counts:
    """(paths, intervals) of one queue."""
    kept, all_ = (np.asarray(x, np.int64)[:, :, None] for x in (on_time, judged))
    return Counts(kept, all_, np.array([share]))


def constant(hours: list[tuple[int, int]], paths: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """In time and judged, the same in each quarter of an hour."""
    kept = np.repeat([k for k, _ in hours], 4)
    all_ = np.repeat([n for _, n in hours], 4)
    return np.tile(kept, (paths, 1)), np.tile(all_, (paths, 1))


def test_an_hour_counts_as_far_as_it_misses_its_promise():
    # In time: all, half of the promise, nothing; and an hour without cases.
    kept = constant([(10, 10), (45, 100), (0, 10), (0, 0)])
    assert breach_min(counts(*kept)) == pytest.approx([0 + 30 + 60 + 0])


def test_an_hour_that_keeps_its_promise_on_average_counts_nothing():
    lucky, unlucky = [[10] * 4, [8] * 4]
    assert breach_min(counts([lucky, unlucky], [[10] * 4] * 2)) == pytest.approx([0.0])


def test_leaving_a_path_out_is_reckoning_without_it():
    rng = np.random.default_rng(3)
    judged = rng.integers(1, 20, (5, 16))
    kept = rng.integers(0, judged + 1)
    rest = [np.delete(np.arange(5), r) for r in range(5)]
    expected = [breach_min(counts(kept[r], judged[r])).sum() for r in rest]
    assert breach_without_each(counts(kept, judged)) == pytest.approx(expected)


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(1).normal(size=40)
    left_out = (values.sum() - values) / 39
    assert jackknife_se(left_out) == pytest.approx(values.std(ddof=1) / np.sqrt(40))
    assert jackknife_se(np.array([3.0])) == 0.0


def test_it_has_recovered_when_it_stays_on_time_for_an_hour():
    usual = constant([(100, 100)] * 8)
    hit = constant([(100, 100)] * 2 + [(40, 100)] * 2 + [(99, 100)] + [(100, 100)] * 3)
    begins = START + timedelta(hours=2)
    assert recovered_at(usual, hit, START, begins) == START + timedelta(hours=4, minutes=45)
    assert recovered_at(usual, usual, START, begins) == begins


def test_it_has_not_recovered_while_the_last_hour_suffers():
    usual = constant([(100, 100)] * 6)
    hit = constant([(100, 100)] * 3 + [(50, 100)] * 3)
    assert recovered_at(usual, hit, START, START + timedelta(hours=2)) is None


def test_what_chance_alone_would_bring_is_no_loss():
    usual = constant([(9, 10)] * 8, paths=1)
    other = constant([(9, 10)] * 4 + [(8, 10)] + [(9, 10)] * 3, paths=1)
    assert recovered_at(usual, other, START, START) == START


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_fewer_in_time_never_breaks_less(seed):
    rng = np.random.default_rng(seed)
    judged = rng.integers(0, 15, (3, 12))
    kept = rng.integers(0, judged + 1)
    fewer = np.maximum(kept - rng.integers(0, 3, kept.shape), 0)
    more, less = (breach_min(counts(k, judged)).sum() for k in (fewer, kept))
    assert more >= less
    assert 0 <= less <= 3 * 60


def test_hours_with_hardly_a_case_are_not_the_worst():
    kept, judged = constant([(9, 10), (0, 0), (7, 10)])
    kept[:, 4], judged[:, 4] = 0, [1, 0]
    assert lowest_hour(kept, judged) == pytest.approx(0.7)
    assert lowest_hour(kept * 0, judged * 0) is None
    assert share_on_time(kept * 0, judged * 0) == 1.0


def test_late_cases_are_told_as_many_as_a_day_has():
    kept = counts([[10, 8], [10, 4]], [[10, 10], [10, 10]])
    assert kept.late == pytest.approx((2 + 6) / 2)


def test_curves_are_means_and_from_one_day_in_ten_to_nine_in_ten():
    # Eleven days of one interval and two queues: 0 to 10 wait on each, and half as long on one.
    days = np.arange(11)
    judged = np.full((11, 1, 2), 4)
    side = Side(
        Counts(np.minimum(judged, days[:, None, None]), judged, np.array([0.9, 0.9])),
        backlog=np.repeat(days, 2).reshape(11, 1, 2),
        oldest_s=np.stack([60 * days, 30 * days], axis=1).reshape(11, 1, 2).astype(np.float32),
        occupancy=np.array([0.8]),
    )
    (both,) = curves(side, [0, 1], "after").to_dict("records")
    assert both["cases_after"] == 8
    assert both["attainment_after"] == pytest.approx((0 + 1 + 2 + 3 + 7 * 4) / 44)
    waiting = [both[f"backlog_after{end}"] for end in ("", "_low", "_high")]
    assert waiting == pytest.approx([10, 2, 18])
    assert both["age_s_after"] == pytest.approx(300)  # of each day the one that waits longest
    assert both["occupancy_after"] == 0.8
    (one,) = curves(side, [1], "after").to_dict("records")
    assert one["age_s_after"] == pytest.approx(150)
    assert np.isnan(one["occupancy_after"])
