"""Many contacts at once: as one by one, exactly once, and whoever else takes them in."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wfm.errors import DataError, NotFound
from wfm.ingest.intake import Taken, take_in_each, take_in_many
from wfm.store import arrivals, cases, tables
from wfm.store.bulk import insert_new, insert_rows


def many(desk, contacts, **options):
    items = [(contact, f'{{"id": "{contact.native_id}"}}') for contact in contacts]
    return take_in_many(desk.store, items, brand=desk.brand, actor="k", **options)


def test_nothing_is_taken_in_at_once(desk):
    assert many(desk, []) == ()


def test_a_batch_opens_a_case_an_author_and_joins_the_rest(desk):
    contacts = [desk.contact(f"u{n % 40}", severity=n % 7) for n in range(200)]
    taken = many(desk, contacts)
    assert Counter(one.outcome for one in taken) == {"opened": 40, "joined": 160}
    assert desk.count(tables.cases) == 40
    case = desk.case(taken[3].case_id)
    assert (case.author, case.contacts, case.severity) == ("u3", 5, 6)
    assert desk.kinds(case.case_id) == ["opened"] + ["joined"] * 4
    assert desk.count(tables.clocks) == 80


def test_the_same_batch_again_changes_nothing_and_names_what_was_there(desk):
    contacts = [desk.contact(f"u{n % 4}") for n in range(20)]
    first = many(desk, contacts)
    again = many(desk, contacts)
    assert again == tuple(replace(one, outcome="repeated") for one in first)
    assert (desk.count(tables.raw_events), desk.count(tables.contacts)) == (20, 20)


def test_what_is_received_at_an_instant_of_its_own_is_due_by_it(desk):
    contacts = [desk.contact("ann"), desk.contact("ben")]
    at = [desk.clock.at - timedelta(minutes=9), desk.clock.at - timedelta(minutes=3)]
    ann, ben = many(desk, contacts, received_at=at, delivery_id=[7, 8])
    assert desk.case(ann.case_id).due_at == at[0] + timedelta(minutes=15)
    assert desk.case(ben.case_id).received_at == at[1]
    with desk.store.reading() as connection:
        r = tables.raw_events.c
        rows = connection.execute(sa.select(r.received_at, r.delivery_id).order_by(r.event_id))
        assert [tuple(row) for row in rows] == [(at[0], 7), (at[1], 8)]


def test_a_second_message_that_came_after_the_opening_brings_a_new_case_forward(desk):
    # Monday 05:00 UTC, mail is shut until 07:00; the second comes at 07:01.
    shut = desk.clock.at.replace(hour=5, minute=0)
    contacts = [desk.contact("ann", queue="mail"), desk.contact("ann", queue="mail")]
    at = [shut, shut + timedelta(hours=2, minutes=1)]
    (first, _) = many(desk, contacts, received_at=at)
    assert desk.case(first.case_id).due_at == at[1] + timedelta(minutes=15)


def test_one_bad_contact_stops_a_batch_and_is_told(desk):
    with pytest.raises(DataError, match="native_id must have"):
        many(desk, [desk.contact("ann"), desk.contact("ben", native_id="")])
    with pytest.raises(NotFound, match="no handle of the brand"):
        many(desk, [desk.contact("ann"), desk.contact("ben", queue="", account="@else")])
    assert desk.count(tables.raw_events) == 0


def test_each_for_itself_a_bad_contact_stops_no_other(desk):
    items = [
        (desk.contact("ann"), "{}"),
        (desk.contact("ben", queue="fax"), "{}"),
        (desk.contact("cat", revision=-1), "{}"),
        (desk.contact("dan"), "{}"),
    ]
    done = take_in_each(desk.store, items, brand=desk.brand, actor="k")
    assert [one.outcome if isinstance(one, Taken) else one.code for one in done] == [
        "opened",
        "not_found",
        "data_error",
        "opened",
    ]
    assert desk.count(tables.raw_events) == 2


def test_any_text_is_kept_as_it_is(desk):
    texts = ["🙂 " * 200, "سلام عليكم", "\u202eleft\u202c", "<script>alert(1)</script>", "=1+1"]
    many(desk, [desk.contact("ann", text=text) for text in texts])
    with desk.store.reading() as connection:
        kept = [message.text for message in cases.messages_of(connection, 1)]
    assert kept == texts


def test_half_a_surrogate_pair_is_replaced_since_no_database_can_keep_it(desk):
    contact = desk.contact(text="a\ud83d b")
    (taken,) = take_in_many(desk.store, [(contact, "raw \ud83d")], brand=desk.brand, actor="k")
    with desk.store.reading() as connection:
        (message,) = cases.messages_of(connection, taken.case_id)
    assert message.text == "a\N{REPLACEMENT CHARACTER} b"
    with pytest.raises(DataError, match="author must have"):
        desk.message("a\ud83d")
    for name in ("in_reply_to", "handle", "queue"):
        with pytest.raises(DataError, match="in_reply_to, handle or queue"):
            desk.message(**{name: "\ud83d"})


def test_a_post_of_a_megabyte_is_taken_in_and_a_longer_one_is_told(desk):
    megabyte = "x" * 2**20
    assert desk.message(text=megabyte).outcome == "opened"
    with pytest.raises(DataError, match="1,048,577 characters; 1,048,576 are the most"):
        desk.message(text=megabyte + "x")


def test_parallel_identical_batches_are_taken_in_once(desk, at_once):
    contacts = [desk.contact(f"u{n % 25}") for n in range(100)]
    results = at_once(lambda _: many(desk, contacts), list(range(10)))
    outcomes = Counter(one.outcome for result in results for one in result)
    assert outcomes == {"opened": 25, "joined": 75, "repeated": 900}
    counts = [desk.count(t) for t in (tables.raw_events, tables.contacts, tables.cases)]
    assert counts == [100, 100, 25]
    assert desk.count(tables.case_events) == 100


def test_parallel_batches_of_the_same_authors_never_lock_each_other_out(desk, at_once):
    batches = [[desk.contact(f"u{(n * 7 + k) % 30}") for n in range(60)] for k in range(8)]
    results = at_once(lambda batch: many(desk, batch), batches)
    outcomes = Counter(one.outcome for result in results for one in result)
    assert outcomes == {"opened": 30, "joined": 450}
    with desk.store.reading() as connection:
        total = connection.scalar(sa.select(sa.func.sum(tables.cases.c.contacts)))
    assert total == 480


# A small world: three authors, few ids, so that edits, deletions and repetitions meet.
CONTACTS = st.tuples(
    st.sampled_from(["message", "edit", "deletion", "author_deleted"]),
    st.integers(0, 5),
    st.integers(0, 2),
)


def a_world(desk, steps):
    return [
        desk.contact(
            f"u{number % 3}",
            native_id=f"author:u{number % 3}" if kind == "author_deleted" else f"m{number}",
            kind=kind,
            revision=revision,
            text=f"{number}.{revision}",
        )
        for kind, number, revision in steps
    ]


def picture(desk):
    """What stands in the store, apart from ids that depend on the order of writing."""
    with desk.store.reading() as connection:
        c, r, k = tables.contacts.c, tables.raw_events.c, tables.cases.c
        messages = connection.execute(
            sa.select(c.author, c.text, c.deleted_at.is_not(None), k.state)
            .join(tables.cases, k.case_id == c.case_id)
            .order_by(c.author, c.text)
        ).all()
        raw = connection.execute(
            sa.select(r.native_id, r.revision, r.kind).order_by(r.native_id, r.revision)
        ).all()
        states = connection.execute(
            sa.select(k.author, k.state, k.contacts).order_by(k.author, k.opened_at, k.case_id)
        ).all()
    return messages, raw, states


@settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(CONTACTS, min_size=1, max_size=9), cut=st.integers(0, 9))
def test_a_batch_leaves_what_one_by_one_leaves_and_twice_equals_once(desk, steps, cut):
    contacts = a_world(desk, steps)
    desk.empty()
    one_by_one = [desk.deliver(contact).outcome for contact in contacts]
    alone = picture(desk)
    desk.empty()
    together = [taken.outcome for taken in many(desk, contacts[:cut]) + many(desk, contacts[cut:])]
    assert together == one_by_one
    assert picture(desk) == alone
    many(desk, contacts)
    assert picture(desk) == alone


# -- the statements beneath ----------------------------------------------------------------------


def test_inserting_many_rows_keeps_every_kind_of_value_and_refuses_what_is_too_long(store):
    table = tables.queue_events
    rows = [
        {"at": store.clock.now(), "kind": "k", "queue": None, "body": body, "actor": 'q"\\\n🙂'}
        for body in ([], {"a": [1, None, True]}, "text", [[1], []])
    ]
    with store.writing("test") as writing:
        insert_rows(writing.connection, table, rows)
        insert_rows(writing.connection, table, [])
    with store.reading() as connection:
        found = connection.execute(
            sa.select(table.c.at, table.c.body, table.c.actor).order_by(table.c.id)
        ).all()
    assert [tuple(row) for row in found] == [(r["at"], r["body"], r["actor"]) for r in rows]
    if not store.is_sqlite:
        with pytest.raises(sa.exc.DataError), store.writing("test") as writing:
            insert_rows(writing.connection, table, [{**rows[0], "kind": "k" * 41}])


def test_inserting_new_rows_gives_those_that_were_not_there(store):
    table = tables.sources
    rows = [
        {
            "source": name,
            "kind": "webhook",
            "secret": "s" * 20,
            "callback_url": "",
            "events": [],
            "actor": "t",
            "written_at": store.clock.now(),
        }
        for name in ("a", "b", "a", "c")
    ]
    with store.writing("test") as writing:
        assert insert_new(writing.connection, table, rows[:1], table.c.source) == [("a",)]
        found = insert_new(writing.connection, table, rows, table.c.source)
        assert insert_new(writing.connection, table, [], table.c.source) == []
    assert found == [("b",), ("c",)]


def test_history_of_what_was_never_heard_of_is_none(store):
    with store.reading() as connection:
        assert arrivals.histories(connection, [("s", "a", "m")]) == {}
