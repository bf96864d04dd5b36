"""Authors are kept by the platform's id, in bulk; every name they bear is noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.wfm.conftest import Desk
from tests.wfm.customers.conftest import BOTH
from wfm.care import AuthorFacts
from wfm.cases import Contact
from wfm.errors import NotFound, RequestError
from wfm.store import authors, tables
from wfm.store.authors import keep_authors, known_authors

Keep = Callable[..., dict[tuple[str, str], tuple[int, AuthorFacts]]]


@pytest.fixture
def keep(desk: Desk) -> Keep:
    def run(*contacts: Contact, platform: str = "x"):
        with desk.store.writing("test") as writing:
            return keep_authors(writing, [(contact, platform) for contact in contacts])

    return run


def handles(desk: Desk, author_id: int) -> tuple[str, ...]:
    with desk.store.reading() as connection:
        return authors.handles_of(connection, author_id)


def author(desk: Desk, author_id: int) -> authors.Author:
    with desk.store.reading() as connection:
        return authors.find_author(connection, author_id)


def test_an_author_is_kept_once_and_found_again(desk: Desk, keep: Keep):
    first = keep(desk.contact("ann", reach=10, verified=True), desk.contact("bob"))
    again = keep(desk.contact("bob"), desk.contact("ann", reach=10, verified=True))

    assert first == again
    assert first["x", "ann"][1] == AuthorFacts("", 10, True)
    assert desk.count(tables.authors) == 2


def test_the_same_id_on_two_platforms_is_two_authors(desk: Desk, keep: Keep):
    there = keep(desk.contact("7"), platform="x") | keep(desk.contact("7"), platform="facebook")

    assert len({author_id for author_id, _ in there.values()}) == 2


@BOTH
def test_a_renamed_author_is_the_same_one_and_keeps_every_name(desk: Desk, keep: Keep):
    ((before, _),) = keep(desk.contact("7", handle="ann")).values()
    desk.clock.move(hours=1)
    ((after, _),) = keep(desk.contact("7", handle="anna")).values()

    assert after == before
    assert author(desk, after).handle == "anna"
    assert handles(desk, after) == ("ann", "anna")
    with desk.store.reading() as connection:
        assert [a.author_id for a in authors.find_authors(connection, handle="ann")] == [after]


def test_of_several_messages_in_a_batch_the_last_published_says_the_name(desk: Desk, keep: Keep):
    newer = desk.contact("7", handle="new", published_at=desk.clock.at)
    older = desk.contact("7", handle="old", published_at=desk.clock.at - timedelta(days=1))

    ((author_id, _),) = keep(newer, older).values()

    assert author(desk, author_id).handle == "new"


def test_a_contact_that_says_nothing_takes_nothing_away(desk: Desk, keep: Keep):
    keep(desk.contact("7", handle="ann", reach=900, verified=True))
    ((author_id, facts),) = keep(desk.contact("7")).values()

    assert facts == AuthorFacts("", 900, True)
    assert author(desk, author_id).handle == "ann"


def test_the_reach_is_written_when_it_moves_much(desk: Desk, keep: Keep):
    keep(desk.contact("7", reach=1000))
    ((_, a_little_more),) = keep(desk.contact("7", reach=1050)).values()
    ((_, much_more),) = keep(desk.contact("7", reach=5000, verified=True)).values()

    assert a_little_more.reach == 1000
    assert much_more == AuthorFacts("", 5000, True)


def test_a_name_that_does_not_fit_loses_its_end(desk: Desk, keep: Keep):
    ((author_id, _),) = keep(desk.contact("7", handle="h" * 500 + "\0")).values()

    assert author(desk, author_id).handle == "h" * authors.HANDLE_MAX


def test_what_people_say_of_an_author_is_kept_and_audited(desk: Desk, keep: Keep):
    ((author_id, _),) = keep(desk.contact("7")).values()
    for _ in range(2):
        with desk.store.writing("lead:eve") as writing:
            authors.set_kind(writing, author_id, "regulator")

    ((_, facts),) = keep(desk.contact("7")).values()

    assert facts.kind == "regulator"
    with desk.store.reading() as connection:
        kept = connection.execute(sa.select(tables.audit)).all()
    assert [(row.action, row.actor, row.after) for row in kept] == [
        ("author.kind", "lead:eve", {"kind": "regulator"})
    ]


def test_a_kind_or_an_author_there_is_not_is_refused(desk: Desk, keep: Keep):
    with desk.store.writing("test") as writing:
        with pytest.raises(NotFound, match="no author 99"):
            authors.set_kind(writing, 99, "press")
        with pytest.raises(RequestError, match="'king' is no kind of author; use one of"):
            authors.set_kind(writing, 99, "king")


def test_an_account_that_is_gone_is_noted_as_it_was_first_told(desk: Desk, keep: Keep):
    ((author_id, _),) = keep(desk.contact("7")).values()
    gone_at = desk.clock.at
    for _ in range(2):
        with desk.store.writing("test") as writing:
            authors.note_deleted(writing, [author_id])
        desk.clock.move(hours=1)

    assert author(desk, author_id).deleted_at == gone_at


@BOTH
def test_parallel_batches_keep_each_author_once(desk: Desk, at_once: Callable[..., list[Any]]):
    contacts = [desk.contact(f"u{i}", handle=f"h{i}") for i in range(60)]

    def run(turn: int):
        batch = contacts if turn % 2 else contacts[::-1]
        with desk.store.writing("test") as writing:
            return keep_authors(writing, [(contact, "x") for contact in batch])

    results = at_once(run, list(range(6)))

    assert all(result == results[0] for result in results)
    assert desk.count(tables.authors) == 60


def test_a_thousand_known_authors_take_a_few_statements(desk: Desk, keep: Keep):
    contacts = [desk.contact(f"u{i}", handle=f"h{i}") for i in range(1000)]
    first = keep(*contacts)
    statements: list[str] = []

    def count(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    sa.event.listen(desk.store.engine, "before_cursor_execute", count)
    again = keep(*(replace(contact, native_id=contact.native_id + "b") for contact in contacts))

    assert again == first
    with desk.store.reading() as connection:
        assert known_authors(connection, list(first)) == first
    assert len([s for s in statements if "authors" in s]) == 4
