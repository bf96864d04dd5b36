"""The moves of a case: a table anyone can read, and errors that say where it could have gone."""

from __future__ import annotations

import pytest

from wfm.cases import MOVES, check_move
from wfm.errors import Conflict, IllegalMove


@pytest.mark.parametrize(
    ("at", "to"), [(at, to) for at, allowed in MOVES.items() for to in allowed]
)
def test_a_move_of_the_table_is_allowed(at, to):
    check_move(7, at, to)


@pytest.mark.parametrize(
    ("at", "to"), [(at, to) for at, allowed in MOVES.items() for to in MOVES if to not in allowed]
)
def test_any_other_move_is_refused_with_the_ways_out(at, to):
    with pytest.raises(IllegalMove) as caught:
        check_move(7, at, to)
    assert caught.value.details == {"case_id": 7, "state": at, "allowed": list(MOVES[at])}


def test_the_error_reads_as_a_sentence():
    with pytest.raises(
        Conflict, match=r"^case 7 is new; it can go to assigned or paused or closed, not answered$"
    ):
        check_move(7, "new", "answered")
    with pytest.raises(IllegalMove, match=r"^case 7 is closed; it can go to new, not answered$"):
        check_move(7, "closed", "answered")


def test_every_case_can_end():
    ends = {"closed"}
    while grown := {at for at, to in MOVES.items() if ends & set(to)} - ends:
        ends |= grown
    assert ends == set(MOVES)
