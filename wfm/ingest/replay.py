"""Replaying a recorded conversation: tweets come in again, in their order and with their gaps.

The file is read once, checked whole and sorted on disk; so it may be of any size. What was
replayed before is known again, and passed over without waiting.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path

from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.ingest.connectors.twitter import OwnPosts, Tweet, Twitter, read_tweets, row_of
from wfm.ingest.faults import Faults
from wfm.ingest.intake import Taken, take_in_each
from wfm.progress import Progress, silent
from wfm.store import arrivals
from wfm.store.bulk import batches
from wfm.store.engine import Store
from wfm.triage.rules import rules_of

SOURCE = "twitter"

# Tweets handed to intake at once, and kept in memory while the file is sorted.
BATCH = 500
SPOOLED = 50_000
# What comes within so much real time comes together.
TICK_S = 0.2


@dataclass(frozen=True)
class Recording:
    """Tweets on disk, a file a day.

    own  authors whose tweets are not inbound: the companies' accounts
    """

    folder: Path
    days: tuple[str, ...]
    tweets: int
    own: frozenset[str]

    def __iter__(self) -> Iterator[Tweet]:
        """The tweets in the order in which they were written, those of a second by their line."""
        for day in self.days:
            with self._file(day).open(encoding="utf-8") as file:
                tweets = [_from_line(line) for line in file]
            tweets.sort(key=lambda tweet: (tweet.created_at, tweet.line))
            yield from tweets

    def _file(self, day: str) -> Path:
        return self.folder / f"{day}.jsonl"


@dataclass
class Replayed:
    """What a replay did: contacts by what became of them, and those that were not taken in."""

    taken: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.taken.total() + self.refused.total()


def record(path: Path, folder: Path, *, progress: Progress = silent) -> Recording:
    """Read the file and sort it into `folder`.

    FileFaults with everything that is wrong with it; RequestError where it cannot be opened.
    """
    faults = Faults(path.name)
    own: set[str] = set()
    days: set[str] = set()
    count = 0
    try:
        size = path.stat().st_size
        with path.open("rb") as raw, TextIOWrapper(raw, "utf-8-sig", newline="") as file:
            for batch in batches(read_tweets(file, faults), SPOOLED):
                count += len(batch)
                own.update(tweet.author_id for tweet in batch if not tweet.is_inbound)
                days |= _spool(folder, batch)
                progress(min(1.0, raw.tell() / max(1, size)), f"{count:,} tweets read")
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}") from error
    if not count and not faults.total:
        faults.add(0, "rows", "", "the file has a header and no tweet", fatal=True)
    faults.stop()
    return Recording(folder, tuple(sorted(days)), count, frozenset(own))


def _spool(folder: Path, tweets: Sequence[Tweet]) -> set[str]:
    by_day: dict[str, list[str]] = {}
    for tweet in tweets:
        by_day.setdefault(f"{tweet.created_at:%Y-%m-%d}", []).append(_to_line(tweet))
    for day, lines in by_day.items():
        with (folder / f"{day}.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(lines)
    return set(by_day)


def _to_line(tweet: Tweet) -> str:
    cells = (
        tweet.line,
        tweet.tweet_id,
        tweet.author_id,
        tweet.is_inbound,
        tweet.created_at.isoformat(),
        tweet.text,
        tweet.in_reply_to,
    )
    return json.dumps(cells) + "\n"


def _from_line(line: str) -> Tweet:
    number, tweet_id, author_id, is_inbound, created_at, text, in_reply_to = json.loads(line)
    at = datetime.fromisoformat(created_at)
    return Tweet(number, tweet_id, author_id, is_inbound, at, text, in_reply_to)


@dataclass(frozen=True)
class Pace:
    """How fast a recording is replayed: `speed` of its seconds in one of ours; 0: no waiting."""

    speed: float
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        if not 0 <= self.speed < float("inf"):
            raise RequestError(
                f"the speed is {self.speed}; 1 is as it was, 60 a minute a second, 0 at once"
            )


def replay(
    store: Store,
    recording: Recording,
    *,
    brand: Brand,
    twitter: Twitter,
    actor: str,
    pace: Pace,
    own: frozenset[str] = frozenset(),
    done: Replayed | None = None,
    progress: Progress = silent,
) -> Replayed:
    """Take the recording in, tweet by tweet, as if it were written now.

    A tweet is received when its turn comes; when it was written is kept beside it. What an account
    of ours wrote (one whose tweets are not inbound, or of `own`) is kept as such and opens no case.

    done  counts on: what was done so far can be told when the replay is stopped
    """
    counts = done or Replayed()
    classifier = OwnPosts(recording.own | own, rules_of(brand))
    for batch in _in_time(store, recording, twitter, pace, counts):
        results = take_in_each(
            store,
            [(twitter.contact(tweet, source=SOURCE), row_of(tweet)) for tweet in batch],
            brand=brand,
            actor=actor,
            classifier=classifier,
        )
        for result in results:
            if isinstance(result, Taken):
                counts.taken[result.outcome] += 1
            else:
                counts.refused[result.message] += 1
        at = f"{batch[-1].created_at:%Y-%m-%d %H:%M}"
        progress(counts.total / recording.tweets, f"{counts.total:,} tweets, now {at}")
    return counts


def _in_time(
    store: Store, recording: Recording, twitter: Twitter, pace: Pace, counts: Replayed
) -> Iterator[list[Tweet]]:
    """The tweets that were not replayed before, in batches, each when its time has come."""
    begun: tuple[float, datetime] | None = None
    waiting: list[Tweet] = []
    for tweet in _unknown(store, recording, twitter, counts):
        if pace.speed == 0:
            left_s = 0.0
        else:
            begun = begun or (pace.monotonic(), tweet.created_at)
            gap_s = (tweet.created_at - begun[1]).total_seconds() / pace.speed
            left_s = begun[0] + gap_s - pace.monotonic()
        if waiting and (left_s > TICK_S or len(waiting) == BATCH):
            yield waiting
            waiting = []
        if left_s > TICK_S:
            pace.sleep(left_s)
        waiting.append(tweet)
    if waiting:
        yield waiting


def _unknown(
    store: Store, recording: Recording, twitter: Twitter, counts: Replayed
) -> Iterator[Tweet]:
    for batch in batches(recording, BATCH):
        names = {tweet.tweet_id: (SOURCE, twitter.account, tweet.tweet_id) for tweet in batch}
        with store.reading() as connection:
            known: Mapping[arrivals.Name, object] = arrivals.histories(connection, names.values())
        for tweet in batch:
            if names[tweet.tweet_id] in known:
                counts.taken["repeated"] += 1
            else:
                yield tweet
