"""However often something is sent, by however many at once, it happens once: in and out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from wfm.casequeue.claims import Claimed, answer
from wfm.casequeue.outgoing import deliver
from wfm.casequeue.sending import Sent
from wfm.cases import Contact
from wfm.errors import LeaseLost, StoreBusy
from wfm.ingest.intake import Taken, take_in, take_in_many
from wfm.store import tables
from wfm.store.outbox import Letter
from wfm.store.sources import Source, save_source

DELIVERIES = 100
MESSAGES = 1_000
AUTHORS = 400


def rows_of(desk, column: sa.Column[Any]) -> list[Any]:
    with desk.store.reading() as connection:
        return list(connection.scalars(sa.select(column).order_by(column)))


def test_a_hundred_identical_deliveries_at_once_are_taken_in_once(desk, at_once):
    messages = [
        (desk.contact(f"author {n % AUTHORS}", native_id=f"m{n}"), f"body {n}")
        for n in range(MESSAGES)
    ]

    def deliver_all(_number: int) -> tuple[Taken, ...]:
        # Who is told that the store is busy comes again, as senders do.
        while True:
            with suppress(StoreBusy):
                return take_in_many(desk.store, messages, brand=desk.brand, actor="key:hook")

    answers = at_once(deliver_all, list(range(DELIVERIES)))

    assert [one for one in answers if isinstance(one, Exception)] == []
    assert rows_of(desk, tables.raw_events.c.native_id) == sorted(f"m{n}" for n in range(MESSAGES))
    assert desk.count(tables.contacts) == MESSAGES
    assert desk.count(tables.cases) == desk.count(tables.authors) == AUTHORS
    # Each thing that follows from a message follows once: an event, and the clocks of its case.
    kinds = Counter(rows_of(desk, tables.case_events.c.kind))
    assert kinds == {"opened": AUTHORS, "joined": MESSAGES - AUTHORS}
    metrics = Counter(rows_of(desk, tables.clocks.c.metric))
    assert metrics == {"first_response": AUTHORS, "resolution": AUTHORS}
    assert sum(rows_of(desk, tables.cases.c.contacts)) == MESSAGES
    # Every delivery is told the same, whoever of them was first; each message was new to just one.
    places = {tuple((one.event_id, one.case_id) for one in taken) for taken in answers}
    assert len(places) == 1
    fresh = Counter(
        number for taken in answers for number, one in enumerate(taken) if one.outcome != "repeated"
    )
    assert fresh == dict.fromkeys(range(MESSAGES), 1)


def test_messages_of_one_author_at_once_share_one_case(desk, at_once):
    contacts = [desk.contact("ann", queue=("x", "chat")[n % 2]) for n in range(40)]

    def one(contact: Contact) -> Taken:
        return take_in(desk.store, contact, brand=desk.brand, actor="key:hook", raw_body="{}")

    answers = at_once(one, contacts)

    assert {taken.case_id for taken in answers} == {answers[0].case_id}
    assert Counter(taken.outcome for taken in answers) == {"opened": 1, "joined": 39}
    assert rows_of(desk, tables.cases.c.contacts) == [40]
    assert Counter(rows_of(desk, tables.clocks.c.metric)) == {"first_response": 1, "resolution": 1}


def test_batches_of_the_same_authors_in_every_order_do_not_lock_each_other_out(desk, at_once):
    names = [f"author {n}" for n in range(30)]

    def batch(shift: int) -> tuple[Taken, ...]:
        turned = names[shift:] + names[:shift]
        items = [(desk.contact(name, native_id=f"{shift} {name}"), "{}") for name in turned]
        return take_in_many(desk.store, items, brand=desk.brand, actor="key:hook")

    answers = at_once(batch, list(range(0, 30, 3)))

    assert [one for one in answers if isinstance(one, Exception)] == []
    assert desk.count(tables.cases) == 30
    assert rows_of(desk, tables.cases.c.contacts) == [10] * 30


def with_callback(desk) -> None:
    with desk.store.writing("manager:mia") as writing:
        save_source(
            writing,
            Source(
                source="webhook",
                kind="webhook",
                secret="known to both of them",
                callback_url="http://127.0.0.1:9/replies",
            ),
        )


def answers_of(desk, claimed: Claimed) -> Callable[[int], object]:
    def once(_number: int) -> object:
        return answer(
            desk.store,
            claimed.case.case_id,
            claimed.lease_token,
            "Try this.",
            brand=desk.brand,
            actor="agent:amy",
        )

    return once


def test_an_answer_sent_twenty_times_at_once_is_delivered_once(staffed, at_once):
    with_callback(staffed)
    staffed.message()
    claimed = staffed.take()

    outcomes = at_once(answers_of(staffed, claimed), list(range(20)))

    assert Counter(type(one).__name__ for one in outcomes) == {"Case": 1, LeaseLost.__name__: 19}
    assert staffed.kinds(claimed.case.case_id).count("answered") == 1
    (key,) = rows_of(staffed, tables.outbox.c.key)

    # Several who deliver at once, and once more afterwards: the receiver gets it from one of them.
    sent: list[str] = []

    def send(_source: Source, letter: Letter) -> Sent:
        sent.append(letter.key)
        return Sent()

    told = at_once(lambda _: deliver(staffed.store, send=send), list(range(6)))
    again = deliver(staffed.store, send=send)
    assert sum(one.sent for one in told) == 1
    assert again.sent == 0
    assert sent == [key]
