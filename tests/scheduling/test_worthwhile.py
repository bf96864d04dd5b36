"""Only what pays is changed in a roster solved again, which never costs more than before."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
from draftdesk import BRAND, MONDAY, ROSTERED, TUESDAY, WEDNESDAY, at, roster_of
from rosters import make_agent, make_requirement

from scheduling.editing.changes import Change, applied, difference
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import judged
from scheduling.why.costs import desk_of
from scheduling.worthwhile import worthwhile
from wfm.brands import Presence
from wfm.calendars import Hours, ServiceWindow
from wfm.frames import interval_index
from wfm.people import TimeOff

NAMES = ("a1", "a2", "a3", "a4")
PRICE = 3.0


def a_ground(**changes: object) -> EditGround:
    """One agent is needed from 8 to 16; the afternoon of Wednesday lacks one."""
    start, end = at(MONDAY, 0), at(WEDNESDAY, 24)
    hours = interval_index(start, end).tz_convert(BRAND.tz).hour
    ground = EditGround(
        brand=BRAND,
        agents=tuple(make_agent(name, contract="part") for name in NAMES),
        requirement=make_requirement({"x": ((hours >= 8) & (hours < 16)).astype(int)}, start, end),
        start=start,
        end=end,
    )
    return replace(ground, **changes)


def to(other: pd.DataFrame, roster: pd.DataFrame = ROSTERED) -> tuple[Change, ...]:
    return difference(roster, other, BRAND.tz)


def with_shifts(*shifts: tuple[str, object, float]) -> pd.DataFrame:
    """The roster with these shifts more."""
    empty = roster_of()
    return applied(ROSTERED, difference(empty, roster_of(*shifts), BRAND.tz))


def paid_off(changes: Sequence[Change], ground: EditGround) -> tuple[Change, ...]:
    return worthwhile(ROSTERED, changes, ground, change_price=PRICE)


def test_a_shift_that_cures_a_shortfall_stays_and_one_that_nobody_needs_is_left_out():
    changes = to(with_shifts(("a4", WEDNESDAY, 12), ("a3", MONDAY, 8)))
    (kept,) = paid_off(changes, a_ground())
    assert (kept.agent_id, kept.day) == ("a4", WEDNESDAY)


def test_two_who_only_change_places_stay_where_they_are():
    swapped = roster_of(
        ("a2", MONDAY, 8), ("a1", MONDAY, 12), ("a1", TUESDAY, 8), ("a3", TUESDAY, 12),
        ("a2", WEDNESDAY, 8),
    )  # fmt: skip
    assert paid_off(to(swapped), a_ground()) == ()


def test_a_change_that_mends_a_rule_stays_although_it_costs():
    agents = tuple(
        make_agent(n, contract="part", time_off=(TimeOff(MONDAY, MONDAY),) if n == "a1" else ())
        for n in NAMES
    )
    ground = a_ground(agents=agents)
    off = tuple(c for c in to(roster_of()) if (c.agent_id, c.day) == ("a1", MONDAY))
    assert worthwhile(ROSTERED, off, a_ground(), change_price=PRICE) == ()
    assert worthwhile(ROSTERED, off, ground, change_price=PRICE) == off


def test_the_shifts_of_somebody_who_is_gone_are_let_go():
    ground = a_ground(agents=tuple(make_agent(name, contract="part") for name in NAMES[1:]))
    gone = tuple(c for c in to(roster_of()) if c.agent_id == "a1")
    assert paid_off(gone, ground) == gone


@pytest.mark.parametrize("asked", [False, True])
def test_somebody_whom_the_brand_wants_there_is_worth_as_much_as_one_on_queue(asked: bool):
    window = ServiceWindow((Hours(BRAND.zone, frozenset({0}), 18 * 60, 22 * 60),))
    brand = replace(BRAND, presence=(Presence("evening", 1, window),) if asked else ())
    changes = to(with_shifts(("a4", MONDAY, 18)))
    assert paid_off(changes, a_ground(brand=brand)) == (changes if asked else ())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(NAMES), st.sampled_from((MONDAY, TUESDAY, WEDNESDAY)),
            st.sampled_from((8, 10, 12, 14)),
        ),
        unique_by=lambda shift: shift[:2],
        max_size=8,
    )
)  # fmt: skip
@settings(max_examples=8, deadline=None, derandomize=True)
def test_no_roster_costs_more_than_it_did(shifts: list[tuple[str, object, float]]):
    ground = a_ground()
    changes = to(roster_of(*shifts))
    kept = paid_off(changes, ground)
    assert set(kept) <= set(changes)
    assert desk_of(ROSTERED, ground).cost(kept).total + PRICE * len(kept) <= 1e-6
    assert judged(ROSTERED, kept, ground).broken == ()
