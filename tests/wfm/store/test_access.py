"""Keys, links, sessions and kept answers, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from wfm.errors import Conflict, NotSignedIn
from wfm.store import access, idempotency
from wfm.store.engine import Store
from wfm.store.idempotency import Answer

DIGEST = bytes(range(32))


def test_a_keys_secret_is_nowhere_in_the_store(store: Store):
    now = store.clock.now()
    with store.writing("ann") as writing:
        key, text = access.create_key(writing, "planner", label="ann's script", now=now)
        secret = text.split("_", 2)[2]
        connection = writing.connection
        for table in ("keys", "audit"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert rows
            assert secret not in str(rows)
        assert access.key_of(connection, text) == key
        assert access.key_of(connection, text + "x") is None
        assert access.list_keys(connection) == (key,)


def test_of_two_who_follow_a_link_at_once_one_gets_in(store: Store):
    now = store.clock.now()
    with store.writing("ann") as writing:
        secret = access.create_link(writing, now=now)
    came_in = []
    ready = threading.Barrier(2)

    def follow() -> None:
        ready.wait()
        try:
            with store.writing("console") as writing:
                access.follow_link(writing, secret, now=now)
        except NotSignedIn:
            return
        came_in.append(1)

    threads = [threading.Thread(target=follow) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert came_in == [1]


def test_what_has_expired_is_forgotten_when_the_next_link_is_made(store: Store):
    now = store.clock.now()
    with store.writing("ann") as writing:
        access.create_link(writing, now=now)
        access.create_link(writing, now=now + timedelta(days=2))
        left = writing.connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar_one()
    assert left == 1


def test_an_answer_is_kept_for_its_caller_key_and_request(store: Store):
    now = store.clock.now()
    answer = Answer(201, {"location": "/x"}, '{"a": 1}')
    with store.writing("ann") as writing:
        assert idempotency.begin(writing, "k", digest=DIGEST, now=now) is None
        with pytest.raises(Conflict, match="still being worked on"):
            idempotency.begin(writing, "k", digest=DIGEST, now=now)
        idempotency.keep(writing, "k", answer)
        assert idempotency.begin(writing, "k", digest=DIGEST, now=now) == answer
        with pytest.raises(Conflict, match="another request"):
            idempotency.begin(writing, "k", digest=DIGEST[::-1], now=now)
    with store.writing("bob") as writing:
        assert idempotency.begin(writing, "k", digest=DIGEST[::-1], now=now) is None


def test_an_abandoned_request_may_be_sent_again_and_old_answers_are_forgotten(store: Store):
    now = store.clock.now()
    with store.writing("ann") as writing:
        idempotency.begin(writing, "k", digest=DIGEST, now=now)
        later = now + idempotency.ABANDONED + timedelta(seconds=1)
        assert idempotency.begin(writing, "k", digest=DIGEST, now=later) is None
        idempotency.keep(writing, "k", Answer(200, {}, ""))
        much_later = later + idempotency.KEPT + timedelta(seconds=1)
        assert idempotency.begin(writing, "k", digest=DIGEST, now=much_later) is None
        idempotency.release(writing, "k")
        assert idempotency.begin(writing, "k", digest=DIGEST, now=much_later) is None
