"""The order in which cases are answered, in spike mode and out of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cmp_to_key

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.order import LATE_RESERVE, LOST, ORDER, Waiting, late_last_for, order_key

laws = settings(max_examples=50, deadline=None, derandomize=True)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

minutes = st.integers(-7, 7).map(lambda m: NOW + timedelta(minutes=m))
cases = st.lists(
    st.builds(Waiting, st.integers(1, 99), minutes, st.integers(0, 2), minutes),
    min_size=2,
    max_size=10,
    unique_by=lambda case: case.case_id,
)


def compare(a: Waiting, b: Waiting, *, late_last: bool) -> int:
    """The witness: the rule as it is told, one clause after the other."""
    lost = [(case.due_at - NOW).total_seconds() <= 300 for case in (a, b)]
    if late_last and lost[0] != lost[1]:
        return 1 if lost[0] else -1
    if a.due_at != b.due_at:
        return -1 if a.due_at < b.due_at else 1
    if a.severity != b.severity:
        return -1 if a.severity > b.severity else 1
    if a.received_at != b.received_at:
        return -1 if a.received_at < b.received_at else 1
    return -1 if a.case_id < b.case_id else 1


@laws
@given(waiting=cases, late_last=st.booleans())
def test_deadline_then_severity_then_age(waiting, late_last):
    expected = sorted(waiting, key=cmp_to_key(lambda a, b: compare(a, b, late_last=late_last)))
    assert sorted(waiting, key=lambda c: order_key(c, now=NOW, late_last=late_last)) == expected


@laws
@given(waiting=cases)
def test_the_declared_columns_sort_as_the_key(waiting):
    expected = list(waiting)
    for column, direction in reversed(ORDER):
        expected.sort(key=lambda c, name=column: getattr(c, name), reverse=direction == "desc")
    assert sorted(waiting, key=lambda c: order_key(c, now=NOW)) == expected


def test_a_case_due_before_a_reply_can_be_written_is_passed_over():
    lost = Waiting(1, NOW + LOST, 0, NOW)
    saved = Waiting(2, NOW + LOST + timedelta(microseconds=1), 0, NOW)
    in_a_spike, else_ = (
        sorted([lost, saved], key=lambda c: order_key(c, now=NOW, late_last=late_last))
        for late_last in (True, False)
    )
    assert in_a_spike == [saved, lost]
    assert else_ == [lost, saved]


@pytest.mark.parametrize("first", [1, 2, 7])
def test_any_five_claims_in_a_row_of_a_spike_hold_one_for_the_late(first):
    turns = [late_last_for(first + i, spike_mode=True) for i in range(5)]
    assert turns.count(False) == 1 == 5 * LATE_RESERVE


def test_outside_a_spike_no_claim_passes_over_late_cases():
    assert not any(late_last_for(n, spike_mode=False) for n in range(20))
