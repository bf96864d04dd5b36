"""What a floor lacks by its cuts, what a head on it is worth, and where breaks go."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.rostering.heads import head_worth, missing_cost, place_breaks
from scheduling.rostering.need import cuts_of


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    values=st.lists(st.floats(0, 5), min_size=40, max_size=40),
    start=st.integers(0, 30),
)
def test_breaks_lie_in_their_windows_in_order(values: list[float], start: int):
    prefix = np.concatenate([[0.0], np.cumsum(values)])
    windows = np.array([[2, 6, 1], [5, 9, 2], [0, 0, 0]], dtype=np.int64)
    at = np.zeros(3, dtype=np.int64)

    place_breaks(prefix, start, windows, at)

    assert 2 <= at[0] <= 6
    assert max(5, at[0] + 1) <= at[1] <= 9
    assert at[2] == -1


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.data())
def test_the_cuts_give_the_shortfall_of_the_best_flow(data: st.DataObject):
    groups = data.draw(st.integers(1, 4))
    queues = data.draw(st.integers(1, 4))
    row = st.lists(st.booleans(), min_size=queues, max_size=queues)
    serves = np.array(data.draw(st.lists(row, min_size=groups, max_size=groups)), dtype=bool)
    heads = data.draw(st.lists(st.integers(0, 4), min_size=groups, max_size=groups))
    need = data.draw(st.lists(st.integers(0, 4), min_size=queues, max_size=queues))

    # The witness: augmenting paths, one head at a time.
    people = [g for g, count in enumerate(heads) for _ in range(count)]
    places = [q for q, count in enumerate(need) for _ in range(count)]
    holder: dict[int, int] = {}

    def seat(person: int, seen: set[int]) -> bool:
        for place, queue in enumerate(places):
            if serves[people[person], queue] and place not in seen:
                seen.add(place)
                if place not in holder or seat(holder[place], seen):
                    holder[place] = person
                    return True
        return False

    seated = sum(seat(person, set()) for person in range(len(people)))

    cuts = cuts_of(serves)
    touched = (serves.astype(int) @ cuts.T.astype(int)) > 0
    lacks = cuts.astype(int) @ np.array(need) - np.array(heads) @ touched
    assert max(0, lacks.max(initial=0)) == len(places) - seated


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    lacks=st.lists(st.floats(-3, 3), min_size=12, max_size=12),
    touches=st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_a_head_is_worth_what_it_saves_of_the_missing_ones(lacks: list[float], touches: list[bool]):
    layer = np.array([0, 0, 1])  # two cuts of the queues, one of presence
    short, surplus = np.tile([8.0, 5.0], (4, 1)), np.full(4, 0.5)
    before, counts = np.array(lacks).reshape(4, 3), np.array(touches)
    worth = np.empty(4)

    head_worth(before, counts, layer, short, surplus, worth)

    for block in range(4):
        after = before.copy()
        after[block] -= counts
        saved = missing_cost(before, layer, short) - missing_cost(after, layer, short)
        assert worth[block] == pytest.approx(saved - 0.5, abs=1e-9)
