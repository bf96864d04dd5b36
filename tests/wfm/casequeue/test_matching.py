"""Cases find agents: as many as can, the first in the order first, evenly."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.casequeue.matching import Hand, Matching

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def hand(agent: str, levels: dict[str, int], *, slots: int = 1, held: int = 0, idle_min: int = 0):
    since = NINE - timedelta(minutes=idle_min)
    return Hand(agent, slots, held, levels, len(levels), since)


def placed(hands: list[Hand], cases: list[tuple[str, int]]) -> dict[int, str]:
    matching = Matching(tuple(hands))
    for number, (queue, level) in enumerate(cases):
        matching.place(number, queue, level)
    return matching.pairs


def test_the_agent_with_the_smaller_share_of_their_slots_taken_is_next():
    amy = hand("amy", {"x": 3}, slots=4, held=1)
    bob = hand("bob", {"x": 3}, slots=2, held=1)
    assert placed([amy, bob], [("x", 1)] * 4) == {0: "amy", 1: "amy", 2: "bob", 3: "amy"}


def test_among_equals_who_can_do_least_else_is_next_and_then_the_one_idle_longest():
    hands = [
        hand("all", {"x": 3, "chat": 3}, idle_min=60),
        hand("new", {"x": 3}, idle_min=1),
        hand("old", {"x": 3}, idle_min=5),
    ]
    assert placed(hands, [("x", 1)] * 3) == {0: "old", 1: "new", 2: "all"}


def test_who_alone_can_take_a_difficult_case_is_not_spent_on_an_easy_one():
    expert = hand("amy", {"x": 5})
    other = hand("bob", {"x": 2, "chat": 2})
    assert placed([expert, other], [("x", 1), ("x", 4)]) == {0: "bob", 1: "amy"}


def test_nobody_gets_what_they_may_not_take():
    assert placed([hand("amy", {"chat": 5}), hand("bob", {"x": 3})], [("x", 4)]) == {}


hands_ = st.lists(
    st.builds(
        lambda levels, slots, held, idle: (levels, slots, min(held, slots + 1), idle),
        st.dictionaries(st.sampled_from("abc"), st.integers(1, 3)),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 3),
    ),
    max_size=4,
)
cases_ = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=6)


def can_all_sit(hands: list[Hand], cases: list[tuple[str, int]]) -> bool:
    """Whether the cases can be given all at once: every way is tried."""
    seats = [h for h in hands for _ in range(max(0, h.slots - h.held))]
    return any(
        all(
            seat.levels.get(queue, 0) >= level
            for seat, (queue, level) in zip(way, cases, strict=True)
        )
        for way in itertools.permutations(seats, len(cases))
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(given_hands=hands_, cases=cases_)
def test_the_cases_placed_are_the_first_ones_that_can_be_placed_together(given_hands, cases):
    """A witness by brute force: going through the order, one joins if all can still sit."""
    hands = [hand(f"a{i}", h[0], slots=h[1], held=h[2], idle_min=h[3])
             for i, h in enumerate(given_hands)]  # fmt: skip
    expected: list[int] = []
    for number in range(len(cases)):
        if can_all_sit(hands, [cases[i] for i in [*expected, number]]):
            expected.append(number)
    found = placed(hands, cases)
    assert sorted(found) == expected
    by_name = {h.agent_id: h for h in hands}
    for number, agent in found.items():
        assert by_name[agent].can_take(*cases[number])
    for name, one in by_name.items():
        taken = sum(agent == name for agent in found.values())
        assert not taken or one.held + taken <= one.slots
