"""Customers are known by their social identifiers beside address and number: a renamed handle stays
theirs, two people with one address stay two, and what was done for them stands in the CRM once."""

from __future__ import annotations

import json
from pathlib import Path

from tests.wfm.conftest import Desk
from tests.wfm.customers.conftest import BOTH, store_url  # noqa: F401 - a fixture
from wfm.casequeue.claims import close
from wfm.casequeue.outgoing import deliver
from wfm.customers.crm import collect, look_up
from wfm.customers.crmfile import FileCrm
from wfm.customers.identity import add_customer, profile_of
from wfm.customers.merging import confirm, undo
from wfm.store import customers

LEAD = "lead:eve"


def author_of(desk: Desk, native_id: str, handle: str) -> int:
    case_id = desk.message(native_id, handle=handle).case_id
    assert case_id is not None
    author_id = desk.case(case_id).author_id
    assert author_id is not None
    return author_id


def test_a_renamed_handle_stays_linked_to_its_customer(desk: Desk):
    before = author_of(desk, "7", "annie")
    customer_id = add_customer(
        desk.store, actor=LEAD, name="Ann", author_ids=[before]
    ).customer.customer_id

    desk.clock.move(hours=1)
    after = author_of(desk, "7", "ann_of_berlin")

    assert after == before
    profile = profile_of(desk.store, customer_id)
    assert profile.handles == (("annie", "ann_of_berlin"),)
    assert [author.handle for author in profile.authors] == ["ann_of_berlin"]


@BOTH
def test_two_people_with_one_address_are_not_merged_silently(desk: Desk):
    ann, bob = author_of(desk, "1", "ann"), author_of(desk, "2", "bob")
    records = [
        add_customer(desk.store, actor=LEAD, name=name, email="us@example.com", author_ids=[author])
        for name, author in (("Ann", ann), ("Bob", bob))
    ]
    first, second = (kept.customer.customer_id for kept in records)

    def cases_of(customer_id: int) -> list[str]:
        with desk.store.reading() as connection:
            return [case.author for case in customers.cases_of(connection, customer_id)]

    assert [cases_of(first), cases_of(second)] == [["1"], ["2"]]
    (merge,) = records[1].proposed
    confirm(desk.store, merge.merge_id, actor=LEAD)
    assert cases_of(first) == ["2", "1"]
    undo(desk.store, merge.merge_id, actor=LEAD)
    assert [cases_of(first), cases_of(second)] == [["1"], ["2"]]


@BOTH
def test_an_activity_appears_in_the_crm_once_under_retries(staffed: Desk, tmp_path: Path):
    desk = staffed
    (tmp_path / "crm.csv").write_text("crm_id,name,x\nC1,Ann,annie\n", encoding="utf-8")
    done = tmp_path / "done.jsonl"
    author_id = author_of(desk, "7", "annie")
    look_up(desk.store, FileCrm(tmp_path / "crm.csv", done), author_id, actor=LEAD)
    collect(desk.store)
    claimed = desk.take()
    desk.answer(claimed, "It is on its way.")
    close(desk.store, claimed.case.case_id, "resolved", brand=desk.brand, actor="agent:amy")
    desk.clock.move(minutes=2)

    tries = 0

    def unsure(activity, key):
        """Writes it down; every other time the answer is lost on the way back."""
        nonlocal tries
        tries += 1
        FileCrm(tmp_path / "crm.csv", done).record(activity, key)
        if tries % 2:
            raise ConnectionError("the answer was lost")

    for _ in range(8):
        collect(desk.store)
        deliver(desk.store, record=unsure)
        desk.clock.move(hours=1)

    lines = [json.loads(line) for line in done.read_text(encoding="utf-8").splitlines()]
    assert [(line["activity"]["kind"], line["activity"]["crm_id"]) for line in lines] == [
        ("answered", "C1"),
        ("closed", "C1"),
    ]
    assert tries > 2
