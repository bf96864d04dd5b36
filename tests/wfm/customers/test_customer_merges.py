"""Two records become one person only when somebody says so, and two again when they were wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wfm.conftest import Desk
from tests.wfm.customers.conftest import BOTH
from wfm.customers.identity import (
    Kept,
    add_customer,
    attest,
    change_customer,
    link,
    profile_of,
    unlink,
)
from wfm.customers.merging import confirm, propose, reject, undo
from wfm.errors import Conflict, IllegalMove, NotFound, RequestError
from wfm.store import customers, tables
from wfm.store.authors import keep_authors

LEAD = "lead:eve"


@pytest.fixture
def add(desk: Desk):
    def run(**values: Any) -> Kept:
        return add_customer(desk.store, actor=LEAD, **values)

    return run


def author_of(desk: Desk, name: str = "ann", **fields: Any) -> int:
    """An author who has written, by the platform's id."""
    case_id = desk.message(name, **fields).case_id
    assert case_id is not None
    author_id = desk.case(case_id).author_id
    assert author_id is not None
    return author_id


def authors_of(desk: Desk, customer_id: int) -> list[int]:
    with desk.store.reading() as connection:
        return [author.author_id for author in customers.authors_of(connection, customer_id)]


@pytest.fixture
def pair(desk: Desk, add) -> tuple[int, int, int, int]:
    """Two records with an author each: kept, merged, author of the one, of the other."""
    one, other = author_of(desk, "1"), author_of(desk, "2")
    kept = add(name="Ann", email="a@example.com", author_ids=[one]).customer.customer_id
    merged = add(name="A.", email="A@example.com", author_ids=[other])
    (merge,) = merged.proposed
    assert merge.evidence == "both have the same e-mail address"
    return kept, merged.customer.customer_id, one, other


def the_merge(desk: Desk) -> customers.Merge:
    with desk.store.reading() as connection:
        (merge,) = customers.find_merges(connection)
    return merge


def test_two_records_that_share_a_number_stay_two_until_it_is_confirmed(desk: Desk, pair):
    kept, merged, one, other = pair

    assert authors_of(desk, kept) == [one]
    done = confirm(desk.store, the_merge(desk).merge_id, actor=LEAD)

    assert (done.state, list(done.moved)) == ("confirmed", [other])
    assert authors_of(desk, kept) == [one, other]
    assert authors_of(desk, merged) == []
    assert [record.customer_id for record in profile_of(desk.store, kept).merged] == [merged]


@BOTH
def test_undoing_moves_back_just_what_it_moved(desk: Desk, pair, add):
    kept, merged, one, other = pair
    merge_id = the_merge(desk).merge_id
    confirm(desk.store, merge_id, actor=LEAD)
    later, gone = author_of(desk, "3"), author_of(desk, "4")
    link(desk.store, later, kept, actor=LEAD)
    elsewhere = add(name="Zoe").customer.customer_id
    unlink(desk.store, other, actor=LEAD)
    link(desk.store, other, elsewhere, actor=LEAD)
    link(desk.store, gone, kept, actor=LEAD)

    assert undo(desk.store, merge_id, actor=LEAD).state == "undone"

    assert authors_of(desk, kept) == [one, later, gone]
    assert authors_of(desk, merged) == []
    assert authors_of(desk, elsewhere) == [other]
    change_customer(desk.store, merged, {"name": "stands again"}, actor=LEAD)


def test_what_was_rejected_is_proposed_again_only_for_another_reason(desk: Desk, pair):
    kept, merged, *_ = pair
    reject(desk.store, the_merge(desk).merge_id, actor=LEAD)

    again = change_customer(desk.store, merged, {"email": "a@example.com"}, actor=LEAD)
    assert again.proposed == ()
    with pytest.raises(Conflict, match="was rejected with that reason; give another one"):
        propose(desk.store, merged, kept, "both have the same e-mail address", actor=LEAD)

    anew = propose(desk.store, merged, kept, "she said so on the phone", actor=LEAD)
    assert (anew.state, anew.kept_id, anew.merged_id) == ("proposed", kept, merged)
    assert anew.evidence == "both have the same e-mail address; she said so on the phone"
    assert desk.count(tables.merges) == 1


def test_a_merge_is_decided_once(desk: Desk, pair):
    merge_id = the_merge(desk).merge_id
    confirm(desk.store, merge_id, actor=LEAD)

    for decide in (confirm, reject):
        with pytest.raises(IllegalMove, match="is confirmed; this takes one that is proposed"):
            decide(desk.store, merge_id, actor=LEAD)
    undo(desk.store, merge_id, actor=LEAD)
    with pytest.raises(IllegalMove, match="is undone; this takes one that is confirmed"):
        undo(desk.store, merge_id, actor=LEAD)


def test_a_record_kept_by_a_merge_may_be_merged_itself_and_comes_back_last(desk: Desk, add):
    ids = [add(name=name).customer.customer_id for name in "abc"]
    a, b, c = ids
    inner = propose(desk.store, b, c, "the same person", actor=LEAD).merge_id
    confirm(desk.store, inner, actor=LEAD)
    outer = propose(desk.store, a, b, "the same person", actor=LEAD).merge_id
    confirm(desk.store, outer, actor=LEAD)

    assert [r.customer_id for r in profile_of(desk.store, a).merged] == [b, c]
    with pytest.raises(Conflict, match=f"was merged into {a} since; undo that merge first"):
        undo(desk.store, inner, actor=LEAD)


@pytest.mark.parametrize("evidence", ["", "  ", "x" * 501, "a\0"])
def test_a_merge_wants_a_reason_that_can_be_kept(desk: Desk, pair, evidence: str):
    with pytest.raises(RequestError, match="why the two are one person"):
        propose(desk.store, pair[0], pair[1], evidence, actor=LEAD)


def test_a_merge_there_is_not_cannot_be_decided(desk: Desk):
    with pytest.raises(NotFound, match="no merge 99"):
        confirm(desk.store, 99, actor=LEAD)


def test_nobody_is_merged_with_themselves(desk: Desk, pair):
    with pytest.raises(RequestError, match="cannot be merged with itself"):
        propose(desk.store, pair[0], pair[0], "why not", actor=LEAD)


@BOTH
def test_a_crm_id_that_is_anothers_is_left_there_and_proposes_a_merge(desk: Desk, add):
    first = add(name="Ann", crm_id="C7").customer.customer_id

    kept = add(name="Anna", crm_id="C7")

    assert kept.customer.crm_id is None
    (merge,) = kept.proposed
    assert (merge.kept_id, merge.evidence) == (first, "both have the same id in the CRM")
    again = change_customer(desk.store, kept.customer.customer_id, {"crm_id": "C7"}, actor=LEAD)
    assert again.customer.crm_id is None
    assert again.proposed == (merge,)


def test_what_a_platform_attests_is_proposed_too(desk: Desk):
    one, other = author_of(desk, "1", handle="ann"), author_of(desk, "2", handle="anna")

    merge = attest(desk.store, other, one, platform="facebook", actor="key:hook")

    assert merge is not None
    assert merge.state == "proposed"
    assert merge.evidence == "facebook says that both accounts are one person's"
    assert attest(desk.store, one, other, platform="facebook", actor="key:hook") == merge
    confirm(desk.store, merge.merge_id, actor=LEAD)
    assert attest(desk.store, one, other, platform="facebook", actor="key:hook") is None


@BOTH
def test_parallel_proposals_of_one_pair_are_one(desk: Desk, add, at_once: Callable[..., Any]):
    a, b = (add(name=name).customer.customer_id for name in "ab")

    found = at_once(
        lambda turn: propose(desk.store, *((a, b) if turn % 2 else (b, a)), "why", actor=LEAD),
        list(range(6)),
    )

    assert {merge.merge_id for merge in found} == {the_merge(desk).merge_id}


@settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=6))
def test_merges_undone_from_the_last_on_leave_everything_as_it_was(
    desk: Desk, wanted: list[tuple[int, int]]
):
    desk.empty()
    with desk.store.writing("test") as writing:
        kept = keep_authors(writing, [(desk.contact(str(n)), "x") for n in range(5)])
    ids = [
        add_customer(desk.store, actor=LEAD, author_ids=[author_id]).customer.customer_id
        for author_id, _ in kept.values()
    ]
    before = [authors_of(desk, customer_id) for customer_id in ids]
    # A naive witness: to whom each record leads, and that one's authors.
    leads_to = {customer_id: customer_id for customer_id in ids}
    confirmed = []
    for turn, (a, b) in enumerate(wanted):
        one, other = sorted((leads_to[ids[a]], leads_to[ids[b]]))
        if one != other:
            merge = propose(desk.store, one, other, f"reason {turn}", actor=LEAD)
            confirmed.append(confirm(desk.store, merge.merge_id, actor=LEAD).merge_id)
            leads_to = {k: one if v == other else v for k, v in leads_to.items()}
    for customer_id in ids:
        theirs = [
            author_id
            for record, found in zip(ids, before, strict=True)
            for author_id in found
            if leads_to[record] == customer_id
        ]
        assert authors_of(desk, customer_id) == sorted(theirs)

    for merge_id in reversed(confirmed):
        undo(desk.store, merge_id, actor=LEAD)

    assert [authors_of(desk, customer_id) for customer_id in ids] == before
