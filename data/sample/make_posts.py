"""Writes posts.csv: an hour of invented posts to the sample brand's care handle on X.

    python data/sample/make_posts.py

The columns are those in which recorded customer support on Twitter is passed around, so that the
file shows what `wfm ingest replay` reads. Nothing in it was ever posted.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

COLUMNS = (
    "tweet_id",
    "author_id",
    "inbound",
    "created_at",
    "text",
    "response_tweet_id",
    "in_response_to_tweet_id",
)
STARTS = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
OWN = "QuellmarkCare"
SEED = 67
CONVERSATIONS = 140

OPENINGS = (
    "my {machine} stops in the middle of a cup and blinks three times",
    "where is my order {number}? it was promised for Friday",
    "the water tank of the {machine} drips, is that covered?",
    "how do I descale the {machine}? the manual shows another model",
    "the app says my {machine} is offline, it stands right beside me",
    "can I return a {machine} that was a present?",
    "the milk frother is louder than my neighbour 😬",
    "der {machine} mahlt nicht mehr, was kann ich tun?",
    "the voucher {number} is refused at the till page",
    "which beans do you advise for the {machine}?",
    "הזמנה {number} לא הגיעה, אפשר לבדוק?",
    "charged twice for order {number}, please look into it",
    "this is the third time I write, still no answer. I want to complain",
    "do you have spare gaskets for the {machine}?",
    "the display of my {machine} shows E4 since this morning",
)
SECONDS = (
    "it is order {number}, if that helps",
    "still nothing, by the way",
    "I have a photo if you need one",
    "hello? anyone there?",
)
THANKS = (
    "thank you, that did it ☕",
    "no, it still blinks",
    "great, and how long will that take?",
    "ok, I shall try that tonight",
)
REPLIES = (
    "Sorry to hear that! Please switch it off for ten seconds and try again. ^LK",
    "Thank you for writing. It left our warehouse yesterday and should be with you tomorrow. ^AM",
    "Yes, for two years. We have sent you the form by direct message. ^JT",
    "Hold both keys for five seconds; the programme takes twenty minutes. ^LK",
)
MACHINES = ("Brisa", "Brisa Duo", "Kontor 3", "Kontor 5")


@dataclass(frozen=True)
class Post:
    """One row; `answers` is the post it answers, -1 for none."""

    author: str
    at: datetime
    text: str
    answers: int = -1


def conversations(rng: random.Random) -> Iterator[list[Post]]:
    """Each a list of posts in order; `answers` counts within it."""
    for number in range(CONVERSATIONS):
        author = str(700_000 + rng.randrange(90_000))
        at = STARTS + timedelta(seconds=rng.randrange(3600))
        fill = {"machine": rng.choice(MACHINES), "number": f"Q{rng.randrange(10_000, 99_999)}"}
        posts = [Post(author, at, f"@{OWN} {rng.choice(OPENINGS).format(**fill)}")]
        if rng.random() < 0.2:
            later = at + timedelta(seconds=rng.randrange(20, 240))
            text = f"@{OWN} {rng.choice(SECONDS).format(**fill)}"
            posts.append(Post(author, later, text, answers=0))
        if number % 12 == 0:
            # Somebody answers it from the platform itself.
            said = posts[-1].at + timedelta(seconds=rng.randrange(120, 600))
            posts.append(Post(OWN, said, f"@{author} {rng.choice(REPLIES)}", len(posts) - 1))
            back = said + timedelta(seconds=rng.randrange(60, 600))
            posts.append(Post(author, back, f"@{OWN} {rng.choice(THANKS)}", len(posts) - 1))
        yield posts


def rows(seed: int) -> list[dict[str, str]]:
    """The file's rows in the order of their times; ids ascend with them."""
    told = [
        (replace(post, answers=-1), talk, place, post.answers)
        for talk, posts in enumerate(conversations(random.Random(seed)))  # noqa: S311
        for place, post in enumerate(posts)
    ]
    told.sort(key=lambda one: (one[0].at, one[1], one[2]))
    ids = {(talk, place): 4_000_000 + i for i, (_, talk, place, _) in enumerate(told)}
    answered: dict[int, list[int]] = {}
    for _, talk, place, answers in told:
        if answers >= 0:
            answered.setdefault(ids[talk, answers], []).append(ids[talk, place])
    return [
        {
            "tweet_id": str(ids[talk, place]),
            "author_id": post.author,
            "inbound": str(post.author != OWN),
            "created_at": f"{post.at:%a %b %d %H:%M:%S +0000 %Y}",
            "text": post.text,
            "response_tweet_id": ",".join(map(str, answered.get(ids[talk, place], []))),
            "in_response_to_tweet_id": str(ids[talk, answers]) if answers >= 0 else "",
        }
        for post, talk, place, answers in told
    ]


def write_posts(folder: Path, seed: int) -> None:
    """Write posts.csv into the folder."""
    with (folder / "posts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(seed))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the sample posts.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    write_posts(options.out, options.seed)


if __name__ == "__main__":
    main()
