"""What was written, said and called is overwritten on request, or for its age; the rest stays."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.wfm.conftest import BRAND, Desk, MovingClock
from wfm.care import Care, Retention, Triage
from wfm.casequeue.claims import close
from wfm.cases import Contact
from wfm.customers.erasure import Erased, erase_author, erase_customer
from wfm.customers.identity import add_customer
from wfm.customers.retention import retire
from wfm.errors import NotFound
from wfm.ingest.inbox import accept, work
from wfm.ingest.intake import take_in
from wfm.ingest.sources import new_source
from wfm.store import outbox, tables
from wfm.store.deliveries import Incoming
from wfm.store.engine import Store, open_store
from wfm.store.sources import save_source

LEAD = "manager:eve"

# What must be found nowhere once the author was forgotten.
SECRETS = ("my iban", "ann-liese", "dear ann", "ann@example", "+4930", "C-7", "call ann")


def everything(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as the database has it."""
    with store.reading() as connection:
        return {
            table.name: [
                dict(row)
                for row in connection.execute(
                    sa.select(table).order_by(*table.primary_key.columns)
                ).mappings()
            ]
            for table in tables.metadata.sorted_tables
        }


def leaks(store: Store) -> list[tuple[str, str, str]]:
    """Where a secret still stands: table, column, secret."""
    return [
        (name, column, secret)
        for name, rows in everything(store).items()
        for row in rows
        for column, value in row.items()
        for secret in SECRETS
        if secret.lower() in str(bytes(value) if isinstance(value, memoryview) else value).lower()
    ]


def deliver(desk: Desk, contact: Contact, *, brand: Any = None) -> Any:
    """The contact arrives in a signed delivery, which is worked at once."""
    body = f'{{"author": "{contact.author}", "text": "{contact.text}"}}'
    with desk.store.writing("source:webhook") as w:
        delivery_id = w.connection.execute(
            tables.deliveries.insert()
            .values(
                source="webhook",
                key=f"d-{contact.native_id}-{contact.revision}-{desk.clock.at.isoformat()}",
                body=body.encode(),
                signature="s",
                received_at=w.at,
                state="done",
                attempts=1,
                ended_at=w.at,
                actor=w.actor,
            )
            .returning(tables.deliveries.c.delivery_id)
        ).scalar_one()
    taken = take_in(
        desk.store, contact, brand=brand or desk.brand, actor="source:webhook", raw_body=body
    )
    with desk.store.writing("source:webhook") as w:
        r = tables.raw_events
        if taken.outcome != "repeated":
            w.connection.execute(
                r.update().where(r.c.event_id == taken.event_id).values(delivery_id=delivery_id)
            )
    return taken


@pytest.fixture
def history(staffed: Desk) -> tuple[Desk, int, int]:
    """Ann wrote, edited, was answered and closed; Bob wrote too. With Ann's and Bob's ids."""
    return staffed, *a_history(staffed)


def a_history(desk: Desk) -> tuple[int, int]:
    first = desk.contact("u-ann", text="my IBAN is DE12", handle="ann-liese", reach=5)
    taken = deliver(desk, first)
    desk.clock.move(minutes=1)
    deliver(desk, replace(first, revision=1, kind="edit", text="my IBAN is DE34"))
    claimed = desk.take()
    desk.answer(claimed, "Dear Ann, we have your bank's answer.")
    with desk.store.writing("agent:amy") as w:
        letter = {"text": "Dear Ann", "author": "u-ann"}
        for kind in ("reply", "activity"):
            outbox.put(
                w, kind=kind, target="crm", key=f"k-{kind}", body=letter, case_id=taken.case_id
            )
        w.connection.execute(
            tables.tasks.insert().values(
                case_id=taken.case_id,
                kind="callback",
                title="call Ann back",
                due_at=w.at,
                state="open",
                opened_at=w.at,
                result="call Ann twice",
                **w.stamp,
            )
        )
    close(desk.store, taken.case_id, "call Ann: done", brand=desk.brand, actor="agent:amy")
    bob = deliver(desk, desk.contact("u-bob", text="hello from Bob", handle="bob"))
    ann_id = desk.case(taken.case_id).author_id
    bob_id = desk.case(bob.case_id).author_id
    assert ann_id is not None
    assert bob_id is not None
    add_customer(
        desk.store,
        actor="agent:amy",
        name="Ann-Liese",
        email="ann@example.com",
        phone="+4930123456",
        crm_id="C-7",
        author_ids=[ann_id],
    )
    return ann_id, bob_id


def test_of_a_forgotten_author_nothing_is_left_to_read_in_any_table(history):
    desk, ann_id, _ = history
    assert {secret for _, _, secret in leaks(desk.store)} == set(SECRETS)

    erased = erase_author(desk.store, ann_id, actor=LEAD)

    assert leaks(desk.store) == []
    assert asdict(erased) == {
        "cases": 1,
        "messages": 1,
        "raw_events": 2,
        "deliveries": 2,
        "replies": erased.replies,
        "notes": 2,
        "letters": 2,
        "names": 1,
        "records": 1,
    }
    assert erased.replies >= 2


def test_cases_clocks_and_what_others_wrote_stay_as_they_were(history):
    desk, ann_id, _ = history
    before = everything(desk.store)

    erase_author(desk.store, ann_id, actor=LEAD)

    after = everything(desk.store)
    for name in ("clocks", "handlings", "metric_days"):
        assert after[name] == before[name]
    told = {"closed_reason"}
    assert [{k: v for k, v in row.items() if k not in told} for row in after["cases"]] == [
        {k: v for k, v in row.items() if k not in told} for row in before["cases"]
    ]
    bobs = [row["text"] for row in after["contacts"] if row["author"] == "u-bob"]
    assert bobs == ["hello from Bob"]
    kinds = [(e["case_id"], e["kind"], e["at"]) for e in before["case_events"]]
    assert [(e["case_id"], e["kind"], e["at"]) for e in after["case_events"][:-1]] == kinds
    assert after["case_events"][-1]["kind"] == "erased"


def test_erasing_again_erases_nothing_and_what_came_since_alone(history):
    desk, ann_id, _ = history
    erase_author(desk.store, ann_id, actor=LEAD)
    assert erase_author(desk.store, ann_id, actor=LEAD).is_nothing

    desk.clock.move(minutes=5)
    desk.deliver(desk.contact("u-ann", text="my IBAN again", handle="ann-liese"))
    again = erase_author(desk.store, ann_id, actor=LEAD)

    assert (again.messages, again.names) == (1, 1)
    assert leaks(desk.store) == []


def test_an_old_message_delivered_again_is_known_and_not_kept_again(history):
    desk, ann_id, _ = history
    with desk.store.reading() as connection:
        row = connection.execute(
            sa.select(tables.raw_events).where(tables.raw_events.c.author_id == ann_id)
        ).first()
    assert row is not None
    erase_author(desk.store, ann_id, actor=LEAD)

    again = desk.contact(
        "u-ann",
        native_id=row.native_id,
        text="my IBAN is DE12",
        handle="ann-liese",
        published_at=row.received_at - timedelta(seconds=30),
    )
    taken = desk.deliver(again)

    assert (taken.outcome, taken.event_id) == ("repeated", row.event_id)
    assert leaks(desk.store) == []


@pytest.mark.parametrize("forgotten_by", ["request", "age"])
def test_an_edit_or_deletion_of_an_erased_message_is_known_and_nothing_of_it_kept(
    history, forgotten_by
):
    desk, ann_id, _ = history
    with desk.store.reading() as connection:
        row = connection.execute(
            sa.select(tables.raw_events).where(tables.raw_events.c.author_id == ann_id)
        ).first()
    assert row is not None
    if forgotten_by == "request":
        erase_author(desk.store, ann_id, actor=LEAD)
    else:  # the texts only: raw bodies are kept longer
        brand = with_retention(messages_days=1)
        desk.clock.move(days=3)
        retire(desk.store, brand=brand)
    with desk.store.writing("test") as w:
        save_source(w, new_source("webhook"))
    before = everything(desk.store)
    message = {"id": row.native_id, "account": "@care", "queue": "x", "text": "my IBAN is DE56"}
    message["author"] = {"id": "u-ann", "handle": "ann-liese-new"}
    message["published_at"] = "2026-03-09T09:00:00Z"
    for key, change in (
        ("again", {}),
        ("edit", {"kind": "edit", "revision": 2}),
        ("deletion", {"kind": "deletion"}),
    ):
        body = json.dumps({**message, **change}).encode()
        accept(desk.store, [Incoming("webhook", key, body, f"1 {key}", desk.clock.at)])
        assert work(desk.store, brand=desk.brand).deliveries == 1

    after = everything(desk.store)
    new = [r for r in after["raw_events"] if r not in before["raw_events"]]
    assert [(r["kind"], r["body"]) for r in new] == [("edit", ""), ("deletion", "")]
    assert [(r["key"], bytes(r["body"])) for r in after["deliveries"][-3:]] == [
        ("again", b""),
        ("edit", b""),
        ("deletion", b""),
    ]
    assert [r["text"] for r in after["contacts"]] == [r["text"] for r in before["contacts"]]
    assert after["author_handles"] == before["author_handles"]


def test_a_message_that_had_no_text_from_the_first_gets_the_one_of_its_edit(desk: Desk):
    first = desk.contact("u-ann", text="")
    take_in(desk.store, first, brand=desk.brand, actor="test", raw_body="{}")
    again = replace(first, revision=1, kind="edit", text="now with words")
    taken = take_in(desk.store, again, brand=desk.brand, actor="test", raw_body="{}")
    assert taken.outcome == "edited"
    assert [r["text"] for r in everything(desk.store)["contacts"]] == ["now with words"]


def test_what_was_not_yet_sent_to_a_forgotten_author_is_not_sent(history):
    desk, ann_id, _ = history

    erase_author(desk.store, ann_id, actor=LEAD)

    with desk.store.reading() as connection:
        assert {(one.state, str(one.body)) for one in outbox.page(connection)} == {("dead", "{}")}


def test_a_delivery_in_quarantine_that_names_the_author_is_emptied(history):
    desk, ann_id, _ = history
    bodies = (b'{"author": "u-ann", "text": ', b'{"author": "u-anna", "text": ')
    with desk.store.writing("test") as w:
        for body in bodies:
            w.connection.execute(
                tables.deliveries.insert().values(
                    source="webhook",
                    key=repr(body),
                    body=body,
                    signature="s",
                    received_at=w.at,
                    state="quarantined",
                    attempts=1,
                    reason="no JSON",
                    actor=w.actor,
                )
            )

    erased = erase_author(desk.store, ann_id, actor=LEAD)

    assert erased.deliveries == 3
    with desk.store.reading() as connection:
        d = tables.deliveries.c
        kept = connection.execute(
            sa.select(d.body, d.state).where(d.reason.is_not(None)).order_by(d.delivery_id)
        )
        assert [tuple(row) for row in kept] == [(b"", "done"), (bodies[1], "quarantined")]


def test_the_audit_says_who_erased_how_much_and_not_what(history):
    desk, ann_id, _ = history

    erased = erase_author(desk.store, ann_id, actor=LEAD)

    with desk.store.reading() as connection:
        a = tables.audit.c
        row = connection.execute(sa.select(tables.audit).where(a.action == "author.erase")).one()
    assert (row.actor, row.subject, row.before) == (LEAD, str(ann_id), None)
    assert row.after == asdict(erased)


def test_a_customers_record_stays_while_another_author_of_theirs_is_left(history):
    desk, ann_id, bob_id = history
    with desk.store.reading() as connection:
        a = tables.authors.c
        customer_id = connection.scalar(sa.select(a.customer_id).where(a.author_id == ann_id))
    with desk.store.writing("test") as w:
        w.connection.execute(
            tables.authors.update().where(a.author_id == bob_id).values(customer_id=customer_id)
        )

    assert erase_author(desk.store, ann_id, actor=LEAD).records == 0
    assert customer_id is not None
    rest = erase_customer(desk.store, customer_id, actor=LEAD)

    assert (rest.messages, rest.records) == (1, 1)
    assert leaks(desk.store) == []
    assert "hello from Bob" not in str(everything(desk.store))


def test_who_is_not_there_cannot_be_erased(desk: Desk):
    with pytest.raises(NotFound, match="no author 99"):
        erase_author(desk.store, 99, actor=LEAD)
    with pytest.raises(NotFound, match="no customer 99"):
        erase_customer(desk.store, 99, actor=LEAD)


# -- by age --------------------------------------------------------------------------------------


def with_retention(**days: int) -> Any:
    return replace(
        BRAND, care=Care(retention=Retention(**days), triage=Triage(spam_words=("casino",)))
    )


def test_what_is_old_is_overwritten_and_what_is_younger_or_open_stays(history):
    desk, _, _ = history
    brand = with_retention(messages_days=30, raw_days=30)
    spam = deliver(desk, desk.contact("u-spam", text="casino"), brand=brand)
    assert spam.outcome == "left_out"
    desk.clock.move(days=29)
    assert retire(desk.store, brand=brand).erased.is_nothing
    desk.clock.move(days=2)

    done = retire(desk.store, brand=brand)

    assert not done.is_more
    assert (done.erased.messages, done.erased.cases, done.erased.names) == (1, 1, 0)
    # Ann's two, the spam; bob's case is open, so only what it came in is emptied.
    assert (done.erased.raw_events, done.erased.deliveries) == (3, 4)
    c, r = tables.contacts.c, tables.raw_events.c
    with desk.store.reading() as connection:
        texts = list(connection.scalars(sa.select(c.text).order_by(c.contact_id)))
        bodies = list(connection.scalars(sa.select(r.body).order_by(r.event_id)))
    assert texts == ["", "hello from Bob"]
    assert [bool(body) for body in bodies] == [False, False, True, False]
    assert retire(desk.store, brand=brand).erased.is_nothing


def test_without_a_rule_nothing_is_ever_overwritten(history):
    desk, _, _ = history
    desk.clock.move(days=5000)

    assert retire(desk.store, brand=BRAND).erased == Erased()


def test_raw_bodies_may_go_before_the_texts(history):
    desk, _, _ = history
    desk.clock.move(days=10)

    done = retire(desk.store, brand=with_retention(messages_days=100, raw_days=5))

    assert (done.erased.messages, done.erased.raw_events) == (0, 2)


def test_a_limit_is_kept_and_said_and_the_next_call_goes_on(staffed: Desk):
    desk = staffed
    for name in ("a", "b", "c"):
        taken = desk.message(name)
        assert taken.case_id is not None
        close(desk.store, taken.case_id, "done", brand=desk.brand, actor="agent:amy")
    desk.clock.move(days=2)
    brand = with_retention(messages_days=1)

    rounds = [retire(desk.store, brand=brand, limit=2) for _ in range(3)]

    assert [(one.erased.messages, one.is_more) for one in rounds] == [
        (2, True),
        (1, False),
        (0, False),
    ]


@pytest.mark.postgres
def test_both_do_the_same_on_postgresql(postgres_url: str):
    clock = MovingClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    store = open_store(postgres_url, clock=clock)
    desk = Desk(store, clock)
    desk.publish(desk.stretch("amy"))
    ann_id, _ = a_history(desk)
    with store.writing("test") as w:
        w.connection.execute(tables.deliveries.update().values(state="quarantined"))

    erased = erase_author(store, ann_id, actor=LEAD)
    again = erase_author(store, ann_id, actor=LEAD)
    leaking = leaks(store)
    clock.move(days=31)
    done = retire(store, brand=with_retention(messages_days=30, raw_days=30))
    store.close()

    assert (erased.messages, erased.raw_events, erased.deliveries, erased.records) == (1, 2, 2, 1)
    assert again.is_nothing
    assert leaking == []
    assert done.erased.is_nothing
