"""A recording of tweets is read whole, sorted, and replayed with its gaps, exactly once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.errors import FileFaults, RequestError
from wfm.ingest.connectors.twitter import Twitter, instant_of
from wfm.ingest.replay import Pace, Replayed, record, replay
from wfm.store import tables

HEADER = "tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id"

ROWS = (
    '3,ann,True,Tue Oct 31 22:12:00 +0000 2017,"@help still, ""nothing""\nat all",,2',
    "1,ann,True,Tue Oct 31 22:10:00 +0000 2017,@help my parcel 🙂,2,",
    "2,help,False,Tue Oct 31 22:11:00 +0000 2017,@ann sorry!,3,1",
    "4,ben,True,Wed Nov 01 00:10:00 +0200 2017,@help مرحبا,,",
)


@pytest.fixture
def recorded(tmp_path):
    def make(*rows: str, header: str = HEADER, encoding: str = "utf-8"):
        path = tmp_path / "tweets.csv"
        path.write_text("\n".join((header, *rows)) + "\n", encoding=encoding)
        folder = tmp_path / "spool"
        folder.mkdir(exist_ok=True)
        return record(path, folder)

    return make


class Watch:
    """A clock that is moved by sleeping."""

    def __init__(self) -> None:
        self.at = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.at += seconds


def run(desk, recording, *, speed: float = 0, watch: Watch | None = None, **options) -> Replayed:
    watch = watch or Watch()
    return replay(
        desk.store,
        recording,
        brand=desk.brand,
        twitter=Twitter("@care"),
        actor="cli:test",
        pace=Pace(speed, watch.monotonic, watch.sleep),
        **options,
    )


def test_tweets_come_in_the_order_they_were_written_whatever_the_files_order(recorded):
    recording = recorded(*ROWS)
    assert [tweet.tweet_id for tweet in recording] == ["1", "4", "2", "3"]
    assert recording.own == {"help"}
    assert next(iter(recording)).text == "@help my parcel 🙂"


def test_customers_tweets_become_cases_and_our_own_are_kept_as_such(desk, recorded):
    done = run(desk, recorded(*ROWS))
    assert dict(done.taken) == {"opened": 2, "joined": 1, "left_out": 1}
    with desk.store.reading() as connection:
        r = tables.raw_events.c
        own = connection.execute(sa.select(r.native_id, r.reason).where(r.kind == "own")).all()
        (at,) = connection.scalars(
            sa.select(tables.contacts.c.published_at).where(tables.contacts.c.author == "ben")
        )
    assert [tuple(row) for row in own] == [("2", "one of our own accounts wrote it")]
    assert at == datetime(2017, 10, 31, 22, 10, tzinfo=UTC)
    assert desk.case(1).received_at == desk.clock.at


def test_gaps_are_kept_at_the_speed_asked_for(desk, recorded):
    watch = Watch()
    run(desk, recorded(*ROWS), speed=60, watch=watch)
    assert watch.slept == [1.0, 1.0]


def test_a_replay_that_was_stopped_goes_on_where_it_ended_without_waiting(desk, recorded):
    recording = recorded(*ROWS)

    class Interrupted(Watch):
        def sleep(self, seconds: float) -> None:
            if len(self.slept) == 1:
                raise KeyboardInterrupt
            super().sleep(seconds)

    done = Replayed()
    with pytest.raises(KeyboardInterrupt):
        run(desk, recording, speed=60, watch=Interrupted(), done=done)
    assert done.total == 3
    watch = Watch()
    again = run(desk, recording, speed=60, watch=watch)
    assert dict(again.taken) == {"repeated": 3, "joined": 1}
    assert watch.slept == []
    assert dict(run(desk, recording).taken) == {"repeated": 4}


def test_an_author_can_be_told_to_be_ours(desk, recorded):
    done = run(desk, recorded(*ROWS), own=frozenset({"ben"}))
    assert dict(done.taken) == {"opened": 1, "joined": 1, "left_out": 2}


def test_tweets_that_cannot_be_placed_are_counted_with_their_reason(desk, recorded):
    done = replay(
        desk.store,
        recorded(*ROWS),
        brand=desk.brand,
        twitter=Twitter("@nobody"),
        actor="t",
        pace=Pace(0),
    )
    ((why, count),) = done.refused.items()
    assert count == 4
    assert "'@nobody'" in why


def test_all_that_is_wrong_with_a_file_is_told_at_once_with_its_line(recorded):
    with pytest.raises(FileFaults) as told:
        recorded(
            ROWS[1],
            ",ann,perhaps,yesterday,text,,",
            "5,ann,True,Tue Oct 31 22:10:47 +0000 2017,a, b,,",
            "6,ann,True,Tue Xxx 31 22:10:47 +0000 2017,text,,",
        )
    assert told.value.message.splitlines() == [
        "tweets.csv: 5 faults, nothing was written",
        "  line 3, created_at: 'yesterday': write it as Tue Oct 31 22:10:47 +0000 2017",
        "  line 3, inbound: 'perhaps': write True or False",
        "  line 3, tweet_id: an id has 1 to 200 characters",
        "  line 4, columns: '8': the header has 7 columns; quote a text with commas",
        "  line 5, created_at: 'Tue Xxx 31 22:10:47 +0000 2017': write it as "
        "Tue Oct 31 22:10:47 +0000 2017",
    ]


@pytest.mark.parametrize(
    ("rows", "options", "told"),
    [
        ((), {}, "a header and no tweet"),
        (ROWS, {"header": HEADER.replace("inbound", "in_bound")}, "is it 'in_bound'?"),
        (("1,a,True,x,café,,",), {"encoding": "latin-1"}, "save the file as UTF-8"),
        (("1,a,True," + "x" * (2**20 + 1),), {}, "field larger than field limit"),
    ],
)
def test_a_file_that_is_no_such_table_is_told(recorded, rows, options, told):
    with pytest.raises(FileFaults) as error:
        recorded(*rows, **options)
    assert told in error.value.message


def test_a_file_that_is_not_there_and_a_speed_that_cannot_be_are_told(tmp_path):
    with pytest.raises(RequestError, match="cannot be read"):
        record(tmp_path / "none.csv", tmp_path)
    with pytest.raises(RequestError, match="the speed is -1"):
        Pace(-1)


def test_a_file_larger_than_what_is_kept_in_memory_is_sorted_all_the_same(recorded, monkeypatch):
    monkeypatch.setattr("wfm.ingest.replay.SPOOLED", 2)
    assert [tweet.tweet_id for tweet in recorded(*ROWS)] == ["1", "4", "2", "3"]


def test_the_connector_reads_the_same_from_a_delivery():
    body = "\n".join((HEADER, *ROWS)).encode()
    contacts = [contact for contact, _ in Twitter("@care", "x").read(body, source="twitter")]
    assert [contact.native_id for contact in contacts] == ["3", "1", "2", "4"]
    assert contacts[0].in_reply_to == "2"
    with pytest.raises(FileFaults, match="save the file as UTF-8"):
        Twitter("@care").read(b"tweet_id\xff", source="twitter")


@settings(max_examples=60, derandomize=True, deadline=None)
@given(seconds=st.integers(1_141_000_000, 1_900_000_000))
def test_instants_are_read_as_they_are_written(seconds):
    at = datetime.fromtimestamp(seconds, UTC)
    assert instant_of(at.strftime("%a %b %d %H:%M:%S +0000 %Y")) == at


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Tue Oct 31",
        "Tue Oct 32 22:10:47 +0000 2017",
        "Tue Oct 31 22:10:47 0000 2017",
        "a b c d e f",
    ],
)
def test_what_is_no_instant_is_none(text):
    assert instant_of(text) is None
