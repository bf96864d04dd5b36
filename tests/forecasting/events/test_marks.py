"""Marks say what the cleaning found, and turn learning on and off where a person decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.engine.blend import Blend
from forecasting.events.marks import effect_of, mark_masks, proposals
from forecasting.grid import cells_between, day_range
from forecasting.protocol import History
from wfm.marks import Mark

laws = settings(max_examples=30, deadline=None, derandomize=True)
BERLIN = ZoneInfo("Europe/Berlin")
FIRST = np.datetime64("2026-01-05")


def history(*, days: int = 42, slots: int = 96, level: float = 40.0, seed: int = 4) -> History:
    shape = 0.3 + np.exp(-(((np.arange(slots) / slots - 0.58) / 0.2) ** 2))
    rng = np.random.default_rng(seed)
    counts = rng.poisson(level * shape, (days, slots)).astype(float)
    dates = day_range(FIRST, FIRST + days - 1)
    return History("x", dates, counts, np.zeros(counts.shape, dtype=bool))


def with_counts(past: History, *cells: tuple[int, slice, float]) -> History:
    counts = past.counts.copy()
    for day, slots, value in cells:
        counts[day, slots] = value
    return replace(past, counts=counts)


def mark(day: int, hour: int, hours: float, **more: object) -> Mark:
    begin = datetime(2026, 1, 5, tzinfo=BERLIN) + timedelta(days=day, hours=hour)
    begin = begin.astimezone(UTC)
    return Mark("x", begin, begin + timedelta(hours=hours), "outlier", **more)


def test_ordinary_weeks_bear_no_mark():
    assert proposals(history(), BERLIN) == ()


@pytest.mark.parametrize("slots", [48, 96])
def test_an_outage_is_proposed_where_the_zeros_are(slots: int):
    per_hour = slots // 24
    past = history(slots=slots)
    down = with_counts(past, (30, slice(10 * per_hour, 13 * per_hour), 0.0))

    (found,) = proposals(down, BERLIN)

    # 10:00 to 13:00 in Berlin's winter.
    assert (found.start, found.end) == (
        datetime(2026, 2, 4, 9, tzinfo=UTC),
        datetime(2026, 2, 4, 12, tzinfo=UTC),
    )
    assert (found.queue, found.kind, found.state, found.contacts) == ("x", "outage", "proposed", 0)
    usual = past.counts[:, 10 * per_hour : 13 * per_hour].sum(axis=1).mean()
    assert found.expected == pytest.approx(usual, rel=0.1)


def test_spikes_close_together_are_one_mark_and_small_ones_none():
    loud = with_counts(
        history(), (20, slice(48, 50), 900.0), (20, slice(53, 54), 700.0), (33, slice(8, 9), 40.0)
    )

    (found,) = proposals(loud, BERLIN)

    assert found.kind == "outlier"
    assert (found.end - found.start) == timedelta(minutes=90)
    assert found.contacts > 2_500 > 3 * found.expected


def test_a_lull_that_matters_is_proposed():
    dull = with_counts(history(level=150.0), (20, slice(48, 60), 3.0))

    (found,) = proposals(dull, BERLIN)

    assert found.kind == "outlier"
    assert found.contacts < found.expected / 3


def test_what_is_known_or_trusted_is_not_proposed():
    loud = with_counts(history(), (20, slice(48, 50), 900.0))
    there = np.zeros(loud.counts.shape, dtype=bool)
    there[20, 40:60] = True

    assert proposals(replace(loud, known=there), BERLIN) == ()
    assert proposals(replace(loud, trusted=there), BERLIN) == ()


def test_a_proposal_covers_its_own_cells_again():
    loud = with_counts(history(), (20, slice(48, 50), 900.0), (30, slice(40, 52), 0.0))
    cells = np.zeros(loud.counts.shape, dtype=bool)
    for found in proposals(loud, BERLIN):
        cells |= cells_between(found.start, found.end, loud.days, BERLIN)

    assert np.argwhere(cells)[:2].tolist() == [[20, 48], [20, 49]]
    assert cells[30, 40:52].all()
    assert cells.sum() == 14


def test_only_decisions_move_the_masks():
    days = history().days
    decided = (
        mark(3, 9, 2),
        mark(4, 9, 2, state="accepted"),
        mark(5, 9, 2, state="rejected"),
        mark(5, 10, 1, state="accepted"),
        replace(mark(6, 9, 2, state="accepted"), queue="y"),
    )

    known, trusted = mark_masks(decided, "x", days, BERLIN)

    assert np.argwhere(known).tolist() == [
        *([4, slot] for slot in range(36, 44)),
        *([5, slot] for slot in range(40, 44)),
    ]
    assert np.argwhere(trusted).tolist() == [[5, slot] for slot in range(36, 40)]


def test_the_effect_of_a_mark_is_what_deciding_the_other_way_would_change():
    loud = with_counts(history(), *((day, slice(48, 56), 400.0) for day in (20, 27, 34)))
    days = day_range(loud.days[-1] + 1, loud.days[-1] + 7)
    spike = mark(34, 12, 2)

    effect = effect_of(loud, spike, Blend(), days, BERLIN)

    assert effect > 20
    _, trusted = mark_masks([replace(spike, state="rejected")], "x", loud.days, BERLIN)
    rejected = replace(loud, trusted=trusted)
    now, then = (Blend().predict(past, days).mean.sum() for past in (loud, rejected))
    assert effect == pytest.approx(then - now)
    back = effect_of(rejected, replace(spike, state="rejected"), Blend(), days, BERLIN)
    assert back < 0


@laws
@given(
    day=st.integers(-3, 44),
    minute=st.integers(0, 1439),
    length=st.integers(1, 5000),
    slots=st.sampled_from([24, 48, 96]),
)
def test_any_span_gives_masks_within_the_history(day, minute, length, slots):
    days = history(days=42).days
    begin = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=day, minutes=minute)
    span = Mark("x", begin, begin + timedelta(minutes=length), "outage", "accepted")

    known, trusted = mark_masks([span], "x", days, BERLIN, slots)

    assert known.shape == trusted.shape == (42, slots)
    assert not trusted.any()
    assert known.sum() <= (length / 15 + 2) * 96
