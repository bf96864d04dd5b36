"""Scenarios as data: kept as JSON, joined, and refused with every fault at once."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))
from whatifdesk import START, a_brand, at

from scheduling.editing.changes import Change, Segment
from scheduling.whatif.scenario import (
    MANY,
    Absence,
    Extra,
    Goal,
    Handling,
    Loan,
    Policy,
    Scenario,
    Shrinkage,
    Surge,
    check_scenario,
    joined,
)
from wfm.errors import NotFound, RequestError
from wfm.store.documents import from_document, to_document

SHIFT = Segment(at(8), at(16), "on_queue", "", "day8")
LONGER = Change("s10", START.date(), (SHIFT,), (replace(SHIFT, end=at(17)),))
FULL = Scenario(
    "all of it",
    (Surge(at(18), 120, ("x",), 4.0, 20.0, 15.0, 90.0, "viral"),),
    (Handling(at(18), at(20), 1.3, ("x",)),),
    (Absence(at(9), at(12), 0.2, ("s10",)),),
    Shrinkage(0.1, None),
    (Goal("x", 0.95, 600),),
    (Policy(at(18), at(22), ("x",), True, 0.5, 0.1, 30),),
    (Extra(at(18), at(22), 2, ("x", "email")),),
    (Loan(at(18), at(22), ("m20",), ("x",)),),
    (LONGER,),
    at(18.25),
)


def checked(scenario: Scenario) -> None:
    check_scenario(scenario, a_brand(), start=at(0), end=at(72))


def test_a_scenario_comes_back_from_json_as_it_was():
    document = json.loads(json.dumps(to_document(FULL)))
    assert from_document(Scenario, document) == FULL
    checked(FULL)


def test_every_kind_of_part_is_in_the_full_example():
    assert all(getattr(FULL, name) for name in MANY)


def test_what_is_felt_of_a_change_is_what_differs():
    spans = list(Scenario(changes=(LONGER,)).spans)
    assert spans == [(at(16), at(17))]
    pause = Segment(at(12), at(12.5), "meal", "", "day8")
    halves = (replace(SHIFT, end=at(12)), pause, replace(SHIFT, start=at(12.5)))
    later = (
        replace(SHIFT, end=at(13)),
        replace(pause, start=at(13), end=at(13.5)),
        replace(SHIFT, start=at(13.5)),
    )
    assert next(Scenario(changes=(replace(LONGER, before=halves, after=later),)).spans) == (
        at(12),
        at(13.5),
    )
    fixed = replace(LONGER, after=(replace(SHIFT, pinned=True),))
    assert not list(Scenario(changes=(fixed,)).spans)


def test_joining_keeps_the_parts_of_both_and_the_name_of_the_first():
    repair = Scenario("repair", extra=(Extra(at(19), at(21), 1),), known_from=at(1))
    both = joined(FULL, repair)
    assert (both.name, both.known_from) == ("all of it", at(18.25))
    assert both.extra == (*FULL.extra, *repair.extra)
    assert joined(FULL, Scenario()) == FULL
    assert not FULL.is_empty
    assert Scenario("named", known_from=at(3)).is_empty


def test_joining_loses_no_part_of_either():
    other = replace(FULL, changes=(replace(LONGER, agent_id="s11"),), shrinkage=Shrinkage(0.2))
    both = joined(FULL, other)
    for name in MANY:
        assert getattr(both, name) == (*getattr(FULL, name), *getattr(other, name)), name
    assert both.shrinkage == other.shrinkage
    assert joined(FULL, replace(other, shrinkage=None)).shrinkage == FULL.shrinkage


def test_an_agent_day_is_changed_once():
    with pytest.raises(RequestError, match="both change what s10 does on 2026-03-02"):
        joined(FULL, Scenario(changes=(LONGER,)))


def test_all_faults_are_told_at_once():
    bad = replace(
        FULL,
        surges=(Surge(at(80), 0, ("x",), -2.0),),
        extra=(Extra(at(5), at(4), 0),),
        changes=(Change("s10", at(90).date(), (), (replace(SHIFT, start=at(90), end=at(98)),)),),
        shrinkage=Shrinkage(1.5, None),
    )
    with pytest.raises(RequestError) as caught:
        checked(bad)
    told = str(caught.value)
    for words in (
        "the surge starts at 2026-03-05T08:00:00Z, outside of the roster",
        "factor is -2; it lies between 0 and 100",
        "length, minutes, is 0",
        "the extra people ends at",
        "extra people is 0",
        "planned shrinkage is 1.5",
        "the change of s10 on 2026-03-05 starts at 2026-03-05T18:00:00Z, outside of the roster",
    ):
        assert words in told


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(goals=(Goal("fax", 0.9),)),
        Scenario(policies=(Policy(at(1), at(2), ("fax",)),)),
        Scenario(loans=(Loan(at(1), at(2), ("s10",), ("fax",)),)),
    ],
)
def test_an_unknown_queue_is_named(scenario):
    with pytest.raises(NotFound, match="'fax'"):
        checked(scenario)


@pytest.mark.parametrize(
    ("reserve", "fits"), [(0.0, True), (0.33, True), (1.0, True), (0.75, False), (0.35, False)]
)
def test_a_reserve_is_one_claim_of_so_many(reserve, fits):
    scenario = Scenario(policies=(Policy(at(1), at(2), ("x",), True, reserve),))
    if fits:
        checked(scenario)
    else:
        with pytest.raises(RequestError, match=f"reserve is {reserve}; every so many claims"):
            checked(scenario)


def test_a_hundred_parts_of_a_kind_are_too_many():
    with pytest.raises(RequestError, match="60 surges"):
        checked(Scenario(surges=FULL.surges * 60))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    rise=st.floats(0, 300), length=st.integers(1, 600), half=st.floats(1, 300),
    minute=st.integers(0, 2000),
)  # fmt: skip
def test_a_surge_rises_holds_and_fades(rise, length, half, minute):
    surge = Surge(at(1), length, (), 3.0, 0.0, rise, half)
    before, here, later = (surge.shape(at(m / 60)) for m in (59, 60 + minute, 61 + minute))
    assert before == 0
    assert 0 <= here <= 1
    assert later <= here or minute < max(length, rise)
    assert surge.shape(surge.over) <= 0.011
