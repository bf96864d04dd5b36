"""What the CRM says of an author is kept, merging nobody; what was done is told to it once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.wfm.conftest import Desk
from wfm.casequeue.claims import close
from wfm.casequeue.outgoing import deliver
from wfm.customers.crm import CrmCustomer, Identity, collect, look_up
from wfm.customers.identity import add_customer
from wfm.errors import TryLater
from wfm.store import outbox, tables

LEAD = "lead:eve"


@dataclass
class ACrm:
    """Knows one customer, is away when told so, and remembers what it is told."""

    customer: CrmCustomer | None = None
    is_away: bool = False
    asked: list[Identity] = field(default_factory=list)
    told: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def find(self, identity: Identity) -> CrmCustomer | None:
        if self.is_away:
            raise ConnectionError("the CRM answered 503")
        self.asked.append(identity)
        return self.customer

    def record(self, activity: Mapping[str, Any], key: str) -> None:
        self.told.append((key, activity))
        if self.is_away:
            raise ConnectionError("the CRM answered 503")


KNOWN = CrmCustomer("C1", "Ann", "Ann@Example.com", "ask at the desk")


def author_of(desk: Desk, name: str = "7", **fields: Any) -> int:
    case_id = desk.message(name, **fields).case_id
    assert case_id is not None
    author_id = desk.case(case_id).author_id
    assert author_id is not None
    return author_id


# -- who it is -----------------------------------------------------------------------------------


def test_an_author_whom_the_crm_knows_gets_a_record_with_what_can_be_kept(desk: Desk):
    author_id = author_of(desk, handle="old")
    desk.message("7", handle="ann")
    crm = ACrm(KNOWN)

    kept = look_up(desk.store, crm, author_id, actor=LEAD)

    assert crm.asked == [Identity("x", "7", ("old", "ann"))]
    assert kept is not None
    found = kept.customer
    assert (found.crm_id, found.name, found.email) == ("C1", "Ann", "ann@example.com")
    assert found.phone is None
    assert desk.count(tables.merges) == 0


def test_where_the_crms_customer_has_a_record_the_two_are_proposed_and_stay_two(desk: Desk):
    first = add_customer(desk.store, actor=LEAD, name="Ann", crm_id="C1").customer
    author_id = author_of(desk, handle="ann")

    kept = look_up(desk.store, ACrm(KNOWN), author_id, actor=LEAD)

    assert kept is not None
    assert kept.customer.customer_id != first.customer_id
    (merge,) = kept.proposed
    assert (merge.kept_id, merge.state) == (first.customer_id, "proposed")
    assert merge.evidence == "the CRM knows the account on x as this customer's"


def test_what_people_wrote_down_counts_for_more_than_the_crm(desk: Desk):
    author_id = author_of(desk)
    add_customer(desk.store, actor=LEAD, name="Annabel", author_ids=[author_id])

    kept = look_up(desk.store, ACrm(KNOWN), author_id, actor=LEAD)

    assert kept is not None
    assert (kept.customer.name, kept.customer.email) == ("Annabel", "ann@example.com")


def test_whom_the_crm_does_not_know_is_left_alone_and_an_absent_crm_told(desk: Desk):
    author_id = author_of(desk)

    assert look_up(desk.store, ACrm(), author_id, actor=LEAD) is None
    with pytest.raises(TryLater, match="cannot be asked now: the CRM answered 503"):
        look_up(desk.store, ACrm(is_away=True), author_id, actor=LEAD)
    assert desk.count(tables.customers) == 0


# -- what was done -------------------------------------------------------------------------------


def answered_and_closed(desk: Desk) -> int:
    taken = desk.message("7", handle="ann")
    claimed = desk.take()
    desk.answer(claimed, "Try this.")
    assert taken.case_id is not None
    close(desk.store, taken.case_id, "resolved", brand=desk.brand, actor="agent:amy")
    return taken.case_id


def settle(desk: Desk) -> None:
    """Let what happened become old enough to be told."""
    desk.clock.move(minutes=2)


def test_an_answer_and_an_end_are_told_once_however_often_it_is_tried(staffed: Desk):
    desk = staffed
    assert collect(desk.store) == 0
    case_id = answered_and_closed(desk)
    assert collect(desk.store) == 0
    settle(desk)
    crm = ACrm()

    assert [collect(desk.store) for _ in range(3)] == [2, 0, 0]
    crm.is_away = True
    deliver(desk.store, record=crm.record)
    crm.is_away = False
    for _ in range(4):
        desk.clock.move(hours=2)
        deliver(desk.store, record=crm.record)

    keys = list(dict.fromkeys(key for key, _ in crm.told))
    assert len(keys) == 2
    with desk.store.reading() as connection:
        assert [letter.state for letter in outbox.page(connection)] == ["sent", "sent"]
    done = dict(crm.told)
    assert [done[key]["kind"] for key in keys] == ["answered", "closed"]
    assert done[keys[0]] == {
        "kind": "answered",
        "at": "2026-03-02T09:00:00Z",
        "case_id": case_id,
        "queue": "x",
        "platform": "x",
        "account": "@care",
        "native_id": "7",
        "handle": "ann",
        "crm_id": None,
        "agent_id": "amy",
        "text": "Try this.",
    }


def test_what_happened_before_there_was_a_crm_is_not_told(staffed: Desk):
    answered_and_closed(staffed)
    settle(staffed)

    assert [collect(staffed.store) for _ in range(2)] == [0, 0]


def test_more_than_a_rounds_worth_is_told_round_by_round(staffed: Desk):
    desk = staffed
    collect(desk.store)
    for _ in range(3):
        answered_and_closed(desk)
    settle(desk)

    rounds = [collect(desk.store, limit=4) for _ in range(3)]

    assert rounds == [4, 2, 0]
    assert desk.count(tables.outbox) == 6


def test_parallel_rounds_write_each_activity_once(staffed: Desk, at_once: Any):
    desk = staffed
    collect(desk.store)
    answered_and_closed(desk)
    settle(desk)

    at_once(lambda _: collect(desk.store), list(range(6)))

    assert desk.count(tables.outbox) == 2
