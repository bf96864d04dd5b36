"""The public "customer support on Twitter" columns: one tweet a row, customers' and companies'.

Standard library only.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from wfm.care import AuthorFacts
from wfm.cases import Contact
from wfm.ingest.faults import Faults, nearest
from wfm.triage.classifier import Classifier, Triaged

REQUIRED = (
    "tweet_id",
    "author_id",
    "inbound",
    "created_at",
    "text",
    "in_response_to_tweet_id",
)
# Who answered a tweet follows from the answers' own rows.
OPTIONAL = ("response_tweet_id",)

MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}

ID_MAX = 200
# A quoted cell may be as long as this; csv's own limit is an eighth of it.
CELL_MAX = 2**20

_WRITTEN = "write it as Tue Oct 31 22:10:47 +0000 2017"


@dataclass(frozen=True, slots=True)
class Tweet:
    """A row of the file.

    is_inbound   a customer's; else of the company whose account wrote it
    in_reply_to  "" for one that answers nothing
    """

    line: int
    tweet_id: str
    author_id: str
    is_inbound: bool
    created_at: datetime
    text: str
    in_reply_to: str


@dataclass(frozen=True)
class Twitter:
    """Makes contacts of tweets.

    account  whose inbox they are in
    queue    where their cases wait; "": where triage and the account's handle say
    """

    account: str
    queue: str = ""
    kind: ClassVar[str] = "twitter"

    def read(self, body: bytes, *, source: str) -> Iterable[tuple[Contact, str]]:
        """The tweets of a CSV file, in its order; FileFaults with all that is wrong with it."""
        faults = Faults("the delivery")
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            faults.add(0, "encoding", f"byte {error.start}", "save the file as UTF-8", fatal=True)
            raise faults.error() from None
        tweets = list(read_tweets(io.StringIO(text, newline=""), faults))
        faults.stop()
        return [(self.contact(tweet, source=source), row_of(tweet)) for tweet in tweets]

    def contact(self, tweet: Tweet, *, source: str) -> Contact:
        """The tweet as a contact."""
        return Contact(
            source=source,
            account=self.account,
            native_id=tweet.tweet_id,
            queue=self.queue,
            author=tweet.author_id,
            text=tweet.text,
            published_at=tweet.created_at,
            in_reply_to=tweet.in_reply_to,
            platform="x",
        )


@dataclass(frozen=True)
class OwnPosts:
    """A classifier that knows which authors are our own, and asks another about the rest."""

    own: frozenset[str]
    rest: Classifier

    def classify(self, contact: Contact, author: AuthorFacts) -> Triaged:
        """Own posts are kept apart: they are replies by people, and never a case."""
        triaged = self.rest.classify(contact, author)
        if contact.author not in self.own:
            return triaged
        return Triaged("own", triaged.queue, reason="one of our own accounts wrote it")


def row_of(tweet: Tweet) -> str:
    """The tweet as it is kept raw."""
    return json.dumps(
        {
            "tweet_id": tweet.tweet_id,
            "author_id": tweet.author_id,
            "inbound": tweet.is_inbound,
            "created_at": tweet.created_at.isoformat(),
            "text": tweet.text,
            "in_response_to_tweet_id": tweet.in_reply_to,
        },
        ensure_ascii=False,
    )


def read_tweets(lines: Iterable[str], faults: Faults) -> Iterator[Tweet]:
    """The rows of a CSV file as they come; what is wrong goes to `faults`, and its row is left out.

    A file without the columns has no rows.
    """
    with _long_cells():
        reader = csv.reader(lines)
        try:
            header = [name.strip() for name in next(reader, [])]
            if not _has_columns(header, faults):
                return
            places = [header.index(name) for name in REQUIRED]
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    remedy = f"the header has {len(header)} columns; quote a text with commas"
                    faults.add(reader.line_num, "columns", len(row), remedy)
                    continue
                tweet = _tweet(reader.line_num, [row[place] for place in places], faults)
                if tweet is not None:
                    yield tweet
        except csv.Error as error:
            faults.add(reader.line_num, "row", error, "save the file as CSV", fatal=True)
        except UnicodeDecodeError as error:
            where = f"byte 0x{error.object[error.start]:02x}"
            remedy = "save the file as UTF-8"
            faults.add(reader.line_num + 1, "encoding", where, remedy, fatal=True)


@contextmanager
def _long_cells() -> Iterator[None]:
    before = csv.field_size_limit(CELL_MAX)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _has_columns(header: Sequence[str], faults: Faults) -> bool:
    missing = [name for name in REQUIRED if name not in header]
    for name in missing:
        like = nearest(name, header)
        hint = f"; is it {like!r}?" if like else f"; this one has {', '.join(header)[:200]}"
        faults.add(1, name, "", f"the file has no such column{hint}", fatal=True)
    return not missing


def _tweet(line: int, cells: Sequence[str], faults: Faults) -> Tweet | None:
    tweet_id, author_id, inbound, created, text, in_reply_to = cells
    before = faults.total
    for name, value in (("tweet_id", tweet_id), ("author_id", author_id)):
        if not 0 < len(value.strip()) <= ID_MAX or "\0" in value:
            faults.add(line, name, value, f"an id has 1 to {ID_MAX} characters")
    if inbound.strip().lower() not in ("true", "false"):
        faults.add(line, "inbound", inbound, "write True or False")
    created_at = instant_of(created)
    if created_at is None:
        faults.add(line, "created_at", created, _WRITTEN)
    if created_at is None or faults.total > before:
        return None
    return Tweet(
        line,
        tweet_id.strip(),
        author_id.strip(),
        inbound.strip().lower() == "true",
        created_at,
        text.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        _without_fraction(in_reply_to.strip()),
    )


def _without_fraction(number: str) -> str:
    """Tables that were once a data frame write whole numbers as 8.0 where some are missing."""
    return number.removesuffix(".0")


def instant_of(text: str) -> datetime | None:
    """An instant as Twitter writes it, in UTC; None for anything else.

    Not by strptime, whose names of days and months are those of the machine's language.

    >>> instant_of("Tue Oct 31 22:10:47 +0000 2017").isoformat()
    '2017-10-31T22:10:47+00:00'
    """
    try:
        _, month, day, clock, offset, year = text.split()
        hour, minute, second = clock.split(":")
        local = datetime(  # noqa: DTZ001 - its offset is taken off below
            int(year), MONTHS[month], int(day), int(hour), int(minute), int(second)
        )
        minutes = int(offset[1:3]) * 60 + int(offset[3:5])
        if len(offset) != 5 or offset[0] not in "+-":
            return None
        ahead = timedelta(minutes=minutes if offset[0] == "+" else -minutes)
        return (local - ahead).replace(tzinfo=UTC)
    except (ValueError, KeyError, OverflowError):
        return None
