"""The board's doors: who may look, what they are told, and that nothing is told twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from wfm.brands import Brand, Queue
from wfm.calendars import Hours, ServiceWindow
from wfm.cases import Contact
from wfm.ingest.intake import take_in
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store.brands import save_brand
from wfm.timegrid import FixedClock, SystemClock

BOARD, TODAY = "/api/v1/queue/board", "/api/v1/queue/today"


OFFICE = ServiceWindow((Hours("Europe/Berlin", frozenset(range(7)), 480, 1200),))


@pytest.fixture
def brand(store) -> Brand:
    """Two queues in Berlin: x around the clock, mail by day. It is 10:00 there."""
    queues = tuple(
        Queue(name, "x", "@care", "en", window, (ServiceGoal(),), OpeningGoal(), WorkLaw())
        for name, window in (("x", ServiceWindow.always()), ("mail", OFFICE))
    )
    brand = Brand("Small", "Europe/Berlin", (), queues, (), ())
    with store.writing("test") as writing:
        save_brand(writing, brand)
    return brand


@pytest.fixture
def write(store, brand):
    """A customer's message to a queue, received by the store's clock."""

    def write(author: str = "ann", text: str = "it does not work", queue: str = "x") -> int:
        contact = Contact(
            source="hook",
            account="@care",
            native_id=f"{author} {text}",
            queue=queue,
            author=author,
            text=text,
            published_at=store.clock.now(),
            handle=f"@{author}",
        )
        taken = take_in(store, contact, brand=brand, actor="key:hook", raw_body="{}")
        assert taken.case_id is not None
        return taken.case_id

    return write


@pytest.fixture
def lead(key_for) -> dict[str, str]:
    return key_for("team-lead")


def test_the_board_tells_the_cases_in_the_order(client, lead, store, write):
    first = write("ann")
    store.clock = FixedClock(store.clock.now() + timedelta(minutes=5))
    second = write("bea", "<script>alert(1)</script>")

    told = client.get(BOARD, headers=lead).json()

    assert [line["case"]["case_id"] for line in told["cases"]] == [first, second]
    assert told["waiting"] == 2
    line = told["cases"][1]
    assert line["words"] == "<script>alert(1)</script>"
    assert (line["handle"], line["slack_s"], line["channel"]) == ("@bea", 900.0, "x")
    assert line["why"].startswith("Due 10:20")


def test_a_page_and_a_queue_may_be_asked_for(client, lead, write):
    ids = [write(author) for author in ("ann", "bea", "cat")]
    other = write("dot", queue="mail")

    page = client.get(BOARD, headers=lead, params={"limit": 2}).json()
    of_mail = client.get(BOARD, headers=lead, params={"queue": "mail"}).json()

    assert ([line["case"]["case_id"] for line in page["cases"]], page["waiting"]) == (ids[:2], 4)
    assert [line["case"]["case_id"] for line in of_mail["cases"]] == [other]


def test_a_question_without_an_answer_is_told_why(client, lead, brand):
    for asked, told in (
        ({"queue": "nowhere"}, (404, "not_found")),
        ({"limit": 0}, (422, "invalid_request")),
        ({"limit": 100_000}, (422, "invalid_request")),
    ):
        answer = client.get(BOARD, headers=lead, params=asked)
        assert (answer.status_code, answer.json()["code"]) == told


@pytest.mark.parametrize("path", [BOARD, TODAY])
def test_what_has_not_changed_is_not_sent_again(client, lead, store, write, path):
    write()
    held = client.get(path, headers=lead)
    asks_again = {**lead, "If-None-Match": held.headers["etag"]}

    # A second later the slack is another, and nothing else.
    store.clock = FixedClock(store.clock.now() + timedelta(seconds=1))
    same = client.get(path, headers=asks_again)
    write("bea")
    other = client.get(path, headers=asks_again)

    assert (same.status_code, same.content) == (304, b"")
    assert other.status_code == 200
    assert other.headers["etag"] != held.headers["etag"]


def test_today_tells_all_queues_and_the_clock_that_screens_count_by(client, lead, store, write):
    write()
    standing = client.get(TODAY, headers=lead).json()["clock_rate"]
    store.clock = SystemClock.starting_at(store.clock.now(), rate=60.0)

    told = client.get(TODAY, headers=lead).json()

    assert (told["waiting"], told["due_soon"]) == (1, 1)
    assert (standing, told["clock_rate"]) == (0.0, 60.0)
    assert told["attainment"] is None
    assert {queue["queue"] for queue in told["queues"]} == {"x", "mail"}
    assert "no roster is published" in told["queues"][0]["alert"]["text"]


def test_today_is_empty_before_there_is_a_brand(client, lead):
    assert client.get(TODAY, headers=lead).status_code == 204


def test_agents_see_their_own_cases_alone(client, key_for, brand):
    for role in ("auditor", "planner", "manager", "queue-engine"):
        headers = key_for(role)
        assert {client.get(path, headers=headers).status_code for path in (BOARD, TODAY)} == {200}
    headers = key_for("agent", agent_id="amy")
    assert {client.get(path, headers=headers).status_code for path in (BOARD, TODAY)} == {403}


def test_strangers_see_nothing(client, brand):
    assert client.get(BOARD).status_code == 401
