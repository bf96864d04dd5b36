"""The inbox: stored as it came, worked once, and nothing waits for what cannot be worked."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest

import wfm.ingest.inbox
from wfm.errors import Conflict, NotFound, Replayed, RequestError, StoreBusy
from wfm.ingest.inbox import Accepted, accept, work
from wfm.ingest.sources import new_source
from wfm.store import deliveries, tables
from wfm.store.deliveries import Incoming
from wfm.store.sources import save_source


@pytest.fixture
def shop(desk):
    """The desk with a source; a test's store may hold one from before."""
    with desk.store.writing("test") as writing:
        save_source(writing, new_source("shop"))
    return desk


def a_body(*ids: str, account: str = "@care", author: str = "ann") -> bytes:
    messages = [
        {
            "id": native_id,
            "account": account,
            "author": author,
            "text": "hello",
            "published_at": "2026-03-02T08:59:00Z",
        }
        for native_id in ids
    ]
    return json.dumps({"messages": messages}).encode()


def incoming(desk, key: str, body: bytes, *, signature: str = "", source: str = "shop") -> Incoming:
    return Incoming(source, key, body, signature or f"1 v1={key}", desk.clock.at)


def stored(desk, *bodies: bytes):
    return accept(
        desk.store, [incoming(desk, f"d{number}", body) for number, body in enumerate(bodies)]
    )


def quarantine(desk):
    with desk.store.reading() as connection:
        return deliveries.page_of_quarantine(connection)


def test_deliveries_are_stored_once_by_source_and_key(shop):
    body = a_body("m1")
    first = incoming(shop, "d1", body, signature="1 a")
    assert accept(shop.store, [first]) == (Accepted(known=False),)
    again = [
        first,
        incoming(shop, "d1", body, signature="2 b"),
        incoming(shop, "d1", b"{}", signature="3 c"),
        incoming(shop, "d2", body),
    ]
    kinds = [type(answer) for answer in accept(shop.store, again)]
    assert kinds == [Replayed, Accepted, Conflict, Accepted]
    assert shop.count(tables.deliveries) == 2


def test_the_same_delivery_twice_in_one_commit_is_stored_once(shop):
    body = a_body("m1")
    batch = [
        incoming(shop, "d1", body, signature="1 a"),
        incoming(shop, "d1", body, signature="1 a"),
        incoming(shop, "d1", body, signature="2 b"),
    ]
    first, replayed, known = accept(shop.store, batch)
    assert (first, type(replayed), known) == (Accepted(False), Replayed, Accepted(True))
    assert shop.count(tables.deliveries) == 1


def test_what_is_worked_later_is_received_when_it_came(shop):
    stored(shop, a_body("m1"))
    came = shop.clock.at
    shop.clock.move(minutes=4)
    worked = work(shop.store, brand=shop.brand)
    assert (worked.deliveries, dict(worked.taken)) == (1, {"opened": 1})
    case = shop.case(1)
    assert (case.received_at, case.due_at) == (came, came + timedelta(minutes=15))
    assert work(shop.store, brand=shop.brand).deliveries == 0


def test_a_poison_delivery_is_set_aside_and_the_others_are_worked(shop):
    stored(shop, a_body("m1"), b"\xff", a_body("m2", account="@else"), a_body("m3"))
    worked = work(shop.store, brand=shop.brand)
    assert worked.deliveries == 2
    poison, unknown = quarantine(shop)
    assert worked.quarantined == (poison.delivery_id, unknown.delivery_id)
    assert "not UTF-8" in poison.reason
    assert unknown.reason.startswith("message 'm2': the account '@else' is no handle of the brand")
    assert shop.count(tables.contacts) == 2


def test_of_a_delivery_that_is_set_aside_the_good_messages_are_taken_in(shop):
    good, bad = json.loads(a_body("m1")), json.loads(a_body("m2", account="@else"))
    body = json.dumps({"messages": good["messages"] + bad["messages"]}).encode()
    stored(shop, body)
    work(shop.store, brand=shop.brand)
    assert shop.count(tables.contacts) == 1
    (held,) = quarantine(shop)
    with shop.store.writing("lead:lee") as writing:
        deliveries.retry(writing, held.delivery_id)
    again = work(shop.store, brand=shop.brand)
    assert dict(again.taken) == {"repeated": 1}
    assert quarantine(shop)[0].attempts == 2


def test_a_delivery_of_a_source_that_nothing_reads_is_set_aside(shop):
    accept(shop.store, [incoming(shop, "d1", b"{}", source="gone")])
    work(shop.store, brand=shop.brand)
    assert "of kind '', which nothing here reads" in quarantine(shop)[0].reason


def test_what_nobody_foresaw_sets_one_delivery_aside_and_no_other(shop, monkeypatch, caplog):
    plain = wfm.ingest.inbox.take_in_within

    def stumbles(writing, items, **options):
        if any(contact.native_id == "m2" for contact, _ in items):
            raise ZeroDivisionError
        return plain(writing, items, **options)

    monkeypatch.setattr(wfm.ingest.inbox, "take_in_within", stumbles)
    stored(shop, a_body("m1"), a_body("m2"), a_body("m3"))
    worked = work(shop.store, brand=shop.brand)
    assert (worked.deliveries, len(worked.quarantined)) == (2, 1)
    assert "ZeroDivisionError" in quarantine(shop)[0].reason
    assert "could not be worked" in caplog.text


def test_a_busy_store_leaves_all_for_later(shop, monkeypatch):
    def busy(*_: object, **__: object) -> None:
        raise StoreBusy("busy")

    stored(shop, a_body("m1"))
    with monkeypatch.context() as patched:
        patched.setattr(wfm.ingest.inbox, "take_in_within", busy)
        with pytest.raises(StoreBusy):
            work(shop.store, brand=shop.brand)
    assert quarantine(shop) == ()
    assert work(shop.store, brand=shop.brand).deliveries == 1


def test_many_who_work_at_once_take_each_delivery_in_once(shop, at_once):
    stored(shop, *(a_body(f"m{n}", author=f"u{n % 5}") for n in range(40)))
    worked = at_once(lambda _: work(shop.store, brand=shop.brand, limit=7), list(range(12)))
    work(shop.store, brand=shop.brand)
    with shop.store.reading() as connection:
        assert deliveries.count_open(connection) == {"new": 0, "quarantined": 0}
    taken = sum((Counter(one.taken) for one in worked), Counter())
    assert set(taken) <= {"opened", "joined"}
    assert (shop.count(tables.contacts), shop.count(tables.cases)) == (40, 5)


def test_a_turn_works_the_oldest_and_no_more_than_it_may(shop, monkeypatch):
    monkeypatch.setattr(wfm.ingest.inbox, "BATCH_BYTES", 1)
    stored(shop, a_body("m1"), a_body("m2"))
    assert work(shop.store, brand=shop.brand).deliveries == 1
    assert work(shop.store, brand=shop.brand, limit=1).deliveries == 1


def test_only_what_is_in_quarantine_is_retried_or_dropped_and_both_are_audited(shop):
    stored(shop, b"[", a_body("m1"))
    work(shop.store, brand=shop.brand)
    with shop.store.writing("lead:lee") as writing:
        with pytest.raises(Conflict, match="delivery 2 is done"):
            deliveries.retry(writing, 2)
        with pytest.raises(NotFound):
            deliveries.drop(writing, 9, "a reason")
        with pytest.raises(RequestError, match="a reason has"):
            deliveries.drop(writing, 1, "  ")
        dropped = deliveries.drop(writing, 1, "theirs, a test")
    assert (dropped.state, dropped.reason, dropped.body) == ("done", "theirs, a test", b"[")
    with shop.store.reading() as connection:
        actions = connection.scalars(tables.audit.select().with_only_columns(tables.audit.c.action))
        assert "delivery.drop" in actions.all()
