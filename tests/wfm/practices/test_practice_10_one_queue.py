"""One queue for all channels: whatever they write by, customers are answered in one order, the most
urgent first, and each reply goes back by the way its message came."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.wfm.conftest import Desk, a_queue
from wfm.calendars import ServiceWindow
from wfm.casequeue.outgoing import deliver
from wfm.casequeue.sending import Sent
from wfm.errors import LeaseLost
from wfm.sla import ServiceGoal
from wfm.store import outbox
from wfm.store.outbox import Letter
from wfm.store.sources import Source, save_source

# Channel -> seconds in which it promises a first reply.
PROMISED = {"x": 900, "facebook": 1200, "instagram": 1800, "linkedin": 3600, "email": 14_400}


@pytest.fixture
def all_channels(desk: Desk) -> Desk:
    """A queue and a source a channel, and one agent who serves them all, five cases at once."""
    desk.brand = replace(
        desk.brand,
        queues=tuple(
            replace(
                a_queue(channel, ServiceWindow.always()),
                channel=channel,
                goals=(ServiceGoal.first_response(within_s=seconds),),
            )
            for channel, seconds in PROMISED.items()
        ),
    )
    desk.publish(desk.stretch("amy", " ".join(sorted(PROMISED)), slots=5))
    with desk.store.writing("test") as writing:
        for channel in PROMISED:
            url = f"https://{channel}.example/callback"
            save_source(writing, Source(f"from-{channel}", "webhook", "s" * 20, url))
    return desk


def write(desk: Desk, channel: str) -> int:
    taken = desk.message(
        f"u-{channel}", queue=channel, source=f"from-{channel}", native_id=f"post-{channel}"
    )
    assert taken.case_id is not None
    return taken.case_id


def test_messages_of_five_channels_are_answered_in_the_order_of_their_deadlines(
    all_channels: Desk,
):
    desk = all_channels
    # The one that promises the longest comes first, a minute before the next.
    written = {}
    for channel in reversed(PROMISED):
        written[write(desk, channel)] = channel
        desk.clock.move(minutes=1)

    claimed = [desk.take("amy").case for _ in PROMISED]

    assert [written[case.case_id] for case in claimed] == list(PROMISED)
    assert [case.due_at for case in claimed] == sorted(case.due_at for case in claimed)


def test_each_reply_goes_back_by_the_way_its_message_came(all_channels: Desk):
    desk = all_channels
    for channel in PROMISED:
        write(desk, channel)
    for _ in PROMISED:
        claimed = desk.take("amy")
        desk.answer(claimed, f"Hello by {claimed.case.queue}")

    gone: dict[str, Letter] = {}

    def send(source: Source, letter: Letter) -> Sent:
        gone[source.callback_url] = letter
        return Sent(native_id=f"reply-{letter.body['platform']}")

    assert deliver(desk.store, send=send).sent == len(PROMISED)

    for channel in PROMISED:
        letter = gone[f"https://{channel}.example/callback"]
        assert letter.kind == "reply"
        assert letter.body["platform"] == channel
        assert letter.body["author"] == f"u-{channel}"
        assert letter.body["in_reply_to"] == f"post-{channel}"
        assert letter.body["text"] == f"Hello by {channel}"
    with desk.store.reading() as connection:
        posted = {letter.native_id for letter in outbox.page(connection, state="sent")}
    assert posted == {f"reply-{channel}" for channel in PROMISED}


def test_an_answer_that_is_sent_again_goes_out_once(all_channels: Desk):
    desk = all_channels
    write(desk, "x")
    claimed = desk.take("amy")
    desk.answer(claimed)
    with pytest.raises(LeaseLost, match="answered already"):
        desk.answer(claimed)
    seen: list[str] = []
    for _ in range(2):
        deliver(desk.store, send=lambda _, letter: seen.append(letter.key) or Sent())
    assert len(seen) == 1
