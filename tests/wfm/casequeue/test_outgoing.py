"""Replies and events leave once in the end, in order, signed, whatever their receivers do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import monotonic, sleep
from typing import Any

import pytest

from tests.wfm.conftest import Desk
from wfm.casequeue import outgoing, sending
from wfm.casequeue.outgoing import deliver, reply_out
from wfm.casequeue.sending import Sent, http_send
from wfm.errors import Conflict, NotFound, SetupError
from wfm.ingest.signing import check
from wfm.store import outbox, queueevents
from wfm.store.outbox import Letter
from wfm.store.sources import Source, disable_source, save_source

SECRET = "a secret of more than 16"


def add_source(desk: Desk, name: str = "webhook", url: str = "http://127.0.0.1:9/", **more: Any):
    with desk.store.writing("test") as writing:
        save_source(writing, Source(name, "webhook", SECRET, url, **more))


def put(desk: Desk, key: str, **fields: Any) -> int | None:
    values: dict[str, Any] = {"kind": "reply", "target": "webhook", "body": {"text": key}}
    with desk.store.writing("test") as writing:
        return outbox.put(writing, key=key, **{**values, **fields})


def letters(desk: Desk, **options: Any) -> dict[str, Letter]:
    with desk.store.reading() as connection:
        return {letter.key: letter for letter in outbox.page(connection, **options)}


@dataclass
class Receiver:
    """Takes letters, or answers as told; remembers all that were handed to it."""

    answers: dict[str, Sent] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def __call__(self, source: Source, letter: Letter) -> Sent:
        self.seen.append(letter.key)
        return self.answers.get(letter.key, Sent(native_id=f"posted-{letter.key}"))


def test_a_reply_goes_out_by_the_way_its_case_came_in(desk: Desk):
    add_source(desk)
    taken = desk.message("ann", native_id="m-7")

    with desk.store.writing("test") as writing:
        case = desk.case(taken.case_id)
        reply_out(writing, case, "Try this.", kind="reply", key="case:1:event:2")

    letter = letters(desk)["case:1:event:2"]
    assert (letter.target, letter.kind, letter.case_id) == ("webhook", "reply", taken.case_id)
    assert letter.body["text"] == "Try this."
    assert letter.body["in_reply_to"] == "m-7"
    assert (letter.body["author"], letter.body["platform"]) == ("ann", "x")


def test_where_the_source_takes_no_replies_the_caller_delivers(desk: Desk):
    taken = desk.message("ann")

    def reply(key: str) -> int | None:
        with desk.store.writing("test") as writing:
            return reply_out(writing, desk.case(taken.case_id), "Hi.", kind="reply", key=key)

    assert reply("unknown") is None
    add_source(desk, url="")
    assert reply("without a callback") is None
    add_source(desk)
    assert reply("with one") is not None
    assert reply("with one") is None  # the same letter is written once
    with desk.store.writing("test") as writing:
        disable_source(writing, "webhook")
    assert reply("disabled") is None


def test_a_letter_is_delivered_once_and_what_it_was_posted_as_is_kept(desk: Desk):
    add_source(desk)
    put(desk, "a")
    receiver = Receiver()

    assert deliver(desk.store, send=receiver).sent == 1
    assert deliver(desk.store, send=receiver).tried == 0

    assert receiver.seen == ["a"]
    assert (letters(desk)["a"].state, letters(desk)["a"].native_id) == ("sent", "posted-a")


def test_a_letter_that_is_refused_comes_back_later_and_later_and_is_given_up(desk: Desk):
    add_source(desk)
    put(desk, "a")
    receiver = Receiver({"a": Sent(error="webhook answered 500")})
    waits = []
    while (letter := letters(desk)["a"]).state == "new":
        waits.append((letter.next_at - desk.clock.at).total_seconds())
        desk.clock.move(seconds=waits[-1])
        deliver(desk.store, send=receiver)

    assert len(receiver.seen) == outgoing.TRIES
    # 5 s doubling to an hour, a quarter more or less.
    for number, wait in enumerate(waits[1:]):
        assert wait == pytest.approx(min(5 * 2**number, 3600), rel=0.26)
    with desk.store.reading() as connection:
        dead = queueevents.latest(connection, "outbox.dead")
        assert outbox.counts(connection) == outbox.Counts(waiting=0, failing=0, dead=1)
    assert dead is not None
    assert dead.body["error"] == "webhook answered 500"


def test_letters_of_a_case_keep_their_order_and_others_do_not_wait_for_them(desk: Desk):
    add_source(desk)
    one, two = desk.message("ann").case_id, desk.message("bob").case_id
    for key, case_id in (("a1", one), ("a2", one), ("b1", two)):
        put(desk, key, case_id=case_id)
    put(desk, "told", kind="event", case_id=one)
    receiver = Receiver({"a1": Sent(error="webhook answered 503")})

    deliver(desk.store, send=receiver)
    deliver(desk.store, send=receiver)
    assert receiver.seen == ["a1", "b1", "told"]

    receiver.answers.clear()
    desk.clock.move(minutes=1)
    deliver(desk.store, send=receiver)
    deliver(desk.store, send=receiver)
    assert receiver.seen[3:] == ["a1", "a2"]


def test_when_a_receiver_cannot_be_reached_its_other_letters_lose_no_try(desk: Desk):
    add_source(desk)
    add_source(desk, "other")
    for key in "abc":
        put(desk, key)
    put(desk, "elsewhere", target="other")
    receiver = Receiver({"a": Sent(error="webhook could not be reached", reached=False)})

    done = deliver(desk.store, send=receiver)

    assert (done.sent, done.failed) == (1, 3)
    assert sorted(receiver.seen) == ["a", "elsewhere"]
    assert {key: letter.attempts for key, letter in letters(desk, state="new").items()} == {
        "a": 1,
        "b": 0,
        "c": 0,
    }


def test_a_receiver_that_asks_for_time_gets_it(desk: Desk):
    add_source(desk)
    put(desk, "a")

    deliver(desk.store, send=Receiver({"a": Sent(error="answered 429", retry_after_s=600)}))

    assert (letters(desk)["a"].next_at - desk.clock.at).total_seconds() == 600


def test_who_dies_while_delivering_loses_nothing(desk: Desk):
    add_source(desk)
    put(desk, "a")

    def die(source: Source, letter: Letter) -> Sent:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(desk.store, send=die)
    receiver = Receiver()
    assert deliver(desk.store, send=receiver).tried == 0  # it may be under way
    desk.clock.move(seconds=outgoing.HOLD.total_seconds())
    assert deliver(desk.store, send=receiver).sent == 1


def test_a_letter_that_cannot_be_written_does_not_stop_the_others(desk: Desk):
    add_source(desk)
    put(desk, "a")
    put(desk, "b")

    def send(source: Source, letter: Letter) -> Sent:
        if letter.key == "a":
            raise ValueError("not JSON")
        return Sent()

    done = deliver(desk.store, send=send)

    assert (done.sent, done.failed) == (1, 1)


def test_many_may_deliver_at_once_and_each_letter_leaves_once(desk: Desk, at_once: Any):
    add_source(desk)
    for number in range(40):
        put(desk, f"k{number}")
    receiver = Receiver()

    at_once(lambda _: deliver(desk.store, send=receiver, limit=10), list(range(8)))

    assert len(receiver.seen) == len(set(receiver.seen)) == 40


def test_an_event_is_told_to_those_who_asked_for_it(desk: Desk):
    add_source(desk, "one", events=("policy.step",))
    add_source(desk, "all", events=("*",))
    add_source(desk, "none")

    with desk.store.writing("service:test") as writing:
        queueevents.add(writing, "policy.step", queue="x", body={"action": "put_off"})

    told = letters(desk)
    assert sorted(letter.target for letter in told.values()) == ["all", "one"]
    body = next(iter(told.values())).body
    assert (body["event"], body["queue"], body["action"]) == ("policy.step", "x", "put_off")


def test_an_activity_goes_to_the_crm_when_there_is_one(desk: Desk):
    put(desk, "case:1:closed", kind="activity", target="crm", body={"what": "closed"})
    written: dict[str, Any] = {}

    assert deliver(desk.store).tried == 0
    deliver(desk.store, record=lambda activity, key: written.update({key: activity}))

    assert written == {"case:1:closed": {"what": "closed"}}


def test_letters_that_nobody_takes_cost_no_writing(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    put(desk, "case:1:closed", kind="activity", target="crm")
    monkeypatch.setattr(outbox, "take_due", None)

    assert deliver(desk.store).tried == 0


def test_what_a_crm_says_of_a_refusal_is_shown(desk: Desk):
    put(desk, "case:1:closed", kind="activity", target="crm")

    def refuse(*_: object) -> None:
        raise SetupError("the CRM refuses our secret; correct WFM_CRM_SECRET")

    assert deliver(desk.store, record=refuse).failed == 1
    assert letters(desk)["case:1:closed"].error == (
        "the CRM refuses our secret; correct WFM_CRM_SECRET"
    )


def test_a_dead_letter_is_tried_again_when_told_and_a_sent_one_never(desk: Desk):
    add_source(desk)
    put(desk, "a")
    deliver(desk.store, send=Receiver({"a": Sent(error="webhook answered 400")}))
    number = letters(desk)["a"].outbox_id

    with desk.store.writing("cli:ada") as writing:
        assert outbox.try_again(writing, number).attempts == 0
    assert deliver(desk.store, send=Receiver()).sent == 1
    with desk.store.writing("cli:ada") as writing, pytest.raises(Conflict, match="arrived"):
        outbox.try_again(writing, number)
    with desk.store.writing("cli:ada") as writing, pytest.raises(NotFound, match="no letter 99"):
        outbox.try_again(writing, 99)


# -- over HTTP -----------------------------------------------------------------------------------


@dataclass
class Callback:
    """A receiver behind a real socket."""

    url: str
    status: int = 200
    answer: bytes = b'{"native_id": "post-1"}'
    missing: int = 0
    drops: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def callback() -> Iterator[Callback]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            here.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(here.status)
            for name, value in here.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(here.answer) + here.missing))
            self.end_headers()
            self.wfile.write(here.answer)
            for _ in range(here.drops):
                sleep(0.02)
                self.wfile.write(b" ")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    here = Callback(f"http://127.0.0.1:{server.server_port}/in")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield here
    server.shutdown()
    thread.join()
    server.server_close()


def a_letter(**fields: Any) -> Letter:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    values: dict[str, Any] = {
        "outbox_id": 1, "key": "case:7:event:31", "kind": "reply", "target": "webhook",
        "case_id": 7, "body": {"text": "Grüße \u202e <b>"}, "state": "new", "attempts": 1,
        "next_at": at, "written_at": at, "sent_at": None, "error": None, "native_id": None,
    }  # fmt: skip
    return Letter(**{**values, **fields})


def test_what_goes_out_bears_our_signature_over_its_very_bytes(callback: Callback):
    sent = http_send(Source("webhook", "webhook", SECRET, callback.url), a_letter())

    assert sent == Sent(native_id="post-1")
    headers, body = callback.requests[0]
    check(
        SECRET,
        headers["wfm-id"],
        headers["wfm-timestamp"],
        body,
        headers["wfm-signature"],
        now=datetime.now(UTC),
    )
    assert headers["idempotency-key"] == "case:7:event:31"
    assert json.loads(body)["body"]["text"] == "Grüße \u202e <b>"
    assert SECRET not in repr(headers)


def test_only_a_2xx_is_a_yes_and_redirects_are_not_followed(callback: Callback):
    source = Source("webhook", "webhook", SECRET, callback.url)
    callback.status, callback.headers = 302, {"location": callback.url}
    assert http_send(source, a_letter()).error == "webhook answered 302"
    callback.status, callback.headers = 429, {"retry-after": "90"}
    assert http_send(source, a_letter()).retry_after_s == 90
    assert len(callback.requests) == 2


@pytest.mark.parametrize("answer", [b"", b"ok", b"[1]", b'{"native_id": ""}', b'{"native_id": 7}'])
def test_an_answer_without_a_usable_id_is_a_yes_all_the_same(callback: Callback, answer: bytes):
    callback.answer = answer
    assert http_send(Source("w", "webhook", SECRET, callback.url), a_letter()) == Sent()


def test_an_answer_that_breaks_off_is_a_yes_all_the_same(callback: Callback):
    callback.missing = 100
    assert http_send(Source("w", "webhook", SECRET, callback.url), a_letter()) == Sent()


def test_an_answer_that_comes_drop_by_drop_holds_nobody_up(
    callback: Callback, monkeypatch: pytest.MonkeyPatch
):
    callback.missing = callback.drops = 40
    monkeypatch.setattr(sending, "ANSWER_S", 0.1)
    begun = monotonic()
    assert http_send(Source("w", "webhook", SECRET, callback.url), a_letter()) == Sent()
    assert monotonic() - begun < 0.6


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "ftp://127.0.0.1/", "http://[/", "x"])
def test_an_address_where_nobody_answers_is_told_without_secrets(url: str):
    sent = http_send(Source("webhook", "webhook", SECRET, url), a_letter())

    assert sent.error is not None
    assert not sent.reached
    assert SECRET not in sent.error
