"""Cells: what hours of a day add up to, and times that lie in order with their hour."""

from __future__ import annotations

import json
import statistics
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.metrics.cells import HOURS, LONGEST_S, Cell, Open, Total, from_document, to_document
from wfm.metrics.figures import time_within

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

times = st.lists(st.tuples(st.integers(0, HOURS - 1), st.integers(0, 5000)), max_size=30)


def a_cell(noted: list[tuple[int, int]]) -> Cell:
    """A cell with these times, and a promise that is open, by the hour."""
    cell = Cell()
    for hour, took_s in noted:
        cell.note("first_response", hour, [took_s])
        cell.open.append(Open(hour, "resolution", "resolution", 0.0, None, False))
    return cell.finished()


def total(*cells: Cell) -> Total:
    found = Total()
    for cell in cells:
        found.take(cell, NOW)
    return found


@given(times, st.integers(0, HOURS), st.integers(0, HOURS))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_some_hours_of_a_cell_are_what_was_noted_in_them(noted, one, other):
    first, last = min(one, other), max(one, other)
    mine = [(hour, took_s) for hour, took_s in noted if first <= hour < last]
    kept = from_document(json.loads(json.dumps(to_document(a_cell(noted)))))
    found, wanted = total(kept.within(first, last)), total(a_cell(mine))
    counts = {name: many for name, many in found.counts.items() if many}
    assert counts == {name: many for name, many in wanted.counts.items() if many}
    told = found.times.get("first_response", [])
    assert time_within(told, 1, 2) == (
        statistics.median_low(took_s for _, took_s in mine) if mine else None
    )


@given(times, times)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_a_time_of_several_days_is_that_of_all_their_times_in_order(one, other):
    found = total(a_cell(one), a_cell(other)).times.get("first_response", [])
    ordered = sorted(took_s for _, took_s in (*one, *other))
    for share, of in ((1, 2), (9, 10), (1, 1)):
        wanted = ordered[-(-share * len(ordered) // of) - 1] if ordered else None
        assert time_within(found, share, of) == wanted


def test_a_time_beyond_all_measure_is_the_longest_there_is_and_its_mean_stays_true():
    cell = Cell()
    cell.note("resolution", 24, [LONGEST_S + 5])
    assert time_within([cell.finished().times["resolution"]], 1, 2) == LONGEST_S
    assert sum(cell.counts["resolution.sum"]) == LONGEST_S + 5
