"""Weekly hours as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.errors import DataError
from wfm.ingest.hours import Slot, merge_slots, parse_hours


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("mon 09:00-18:00", [(0, 540, 1080)]),
        ("MON-WED 9:00 - 18:00", [(0, 540, 1080), (1, 540, 1080), (2, 540, 1080)]),
        ("sat,sun 00:00-24:00", [(5, 0, 1440), (6, 0, 1440)]),
        ("sat-mon 10:00-11:00", [(5, 600, 660), (6, 600, 660), (0, 600, 660)]),
        ("sun 22:00-06:00", [(6, 1320, 1440), (0, 0, 360)]),
        ("sun 22:00-00:00", [(6, 1320, 1440)]),
    ],
)
def test_hours_are_read_and_split_at_midnight(text: str, slots: list[Slot]):
    assert parse_hours(text) == slots


@pytest.mark.parametrize(
    "text", ["", "mon", "09:00-10:00", "mon 9-10", "mon 09:00-25:00", "mon 09:60-10:00",
             "mo 09:00-10:00", "mon-tue-wed 09:00-10:00", "mon 09:00-09:00", "mon 24:00-06:00"]
)  # fmt: skip
def test_what_is_no_hours_is_refused(text: str):
    with pytest.raises(DataError):
        parse_hours(text)


slot = st.tuples(st.integers(0, 6), st.integers(0, 20), st.integers(1, 10)).map(
    lambda s: (s[0], s[1], s[1] + s[2])
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(slot, max_size=12))
def test_merged_hours_cover_the_same_minutes_without_overlap(slots: list[Slot]):
    def minutes(some: list[Slot]) -> list[tuple[int, int]]:
        return [(day, m) for day, opens, closes in some for m in range(opens, closes)]

    merged = minutes(merge_slots(slots))
    assert set(merged) == set(minutes(slots))
    assert len(merged) == len(set(merged))
