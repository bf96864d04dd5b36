"""A queue that is killed at any moment loses nothing and does nothing twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from os import kill
from pathlib import Path

import pytest
import sqlalchemy as sa

from wfm.store import tables
from wfm.store.engine import Store
from wfm.store.sources import Source, save_source

WORKER = Path(__file__).with_name("works_until_killed.py")

KILLS = 50
# A life ends after so many lines of the ledger at most, each a call begun or done: some two turns
# of intake, claim and answer. And then some milliseconds later, in the midst of a call.
MOST_LINES = 24
LONGEST_S = 0.004
PATIENCE_S = 60.0

# Each names what must not be there, and gives it.
TORN = {
    "a message without its contact": """
        SELECT e.event_id FROM raw_events e LEFT JOIN contacts c ON c.event_id = e.event_id
        WHERE c.event_id IS NULL""",
    "a case that counts other messages than it has": """
        SELECT k.case_id FROM cases k LEFT JOIN contacts c ON c.case_id = k.case_id
        GROUP BY k.case_id, k.contacts HAVING count(c.contact_id) <> k.contacts""",
    "a case that was not opened once": """
        SELECT k.case_id FROM cases k
        LEFT JOIN case_events e ON e.case_id = k.case_id AND e.kind = 'opened'
        GROUP BY k.case_id HAVING count(e.id) <> 1""",
    "a case whose resolution is not promised once": """
        SELECT k.case_id FROM cases k
        LEFT JOIN clocks c ON c.case_id = k.case_id AND c.metric = 'resolution'
        GROUP BY k.case_id HAVING count(c.clock_id) <> 1""",
    "a waiting or held case without one running reply": """
        SELECT k.case_id FROM cases k LEFT JOIN clocks c ON c.case_id = k.case_id
        AND c.metric <> 'resolution' AND c.stopped_at IS NULL
        WHERE k.state IN ('new', 'assigned')
        GROUP BY k.case_id HAVING count(c.clock_id) <> 1""",
    "an answered case that still owes a reply": """
        SELECT k.case_id FROM cases k JOIN clocks c ON c.case_id = k.case_id
        AND c.metric <> 'resolution' AND c.stopped_at IS NULL WHERE k.state = 'answered'""",
    "two open cases of one author": """
        SELECT author_id FROM cases WHERE state <> 'closed' GROUP BY author_id
        HAVING count(*) <> 1""",
    "a held case that no claim tells of, or a claim too many": """
        SELECT k.case_id FROM cases k LEFT JOIN case_events e ON e.case_id = k.case_id
        GROUP BY k.case_id, k.state
        HAVING count(CASE WHEN e.kind = 'claimed' THEN 1 END)
            - count(CASE WHEN e.kind IN ('answered', 'expired', 'released') THEN 1 END)
            <> CASE WHEN k.state = 'assigned' THEN 1 ELSE 0 END""",
    "an answer without its letter, or a letter without its answer": """
        SELECT k.case_id FROM cases k
        WHERE (SELECT count(*) FROM case_events e
               WHERE e.case_id = k.case_id AND e.kind = 'answered')
           <> (SELECT count(*) FROM outbox o
               WHERE o.case_id = k.case_id AND o.kind = 'reply')""",
    "a hold that ended and was not written down": """
        SELECT k.case_id FROM cases k
        WHERE (SELECT count(*) FROM case_events e
               WHERE e.case_id = k.case_id AND e.kind IN ('answered', 'expired', 'released'))
           <> (SELECT count(*) FROM handlings h WHERE h.case_id = k.case_id)""",
}


def torn(store: Store) -> dict[str, list[int]]:
    """What is there that must not be."""
    with store.reading() as connection:
        found = {name: connection.scalars(sa.text(query)).all() for name, query in TORN.items()}
    return {name: list(ids) for name, ids in found.items() if ids}


class Ledger:
    """What the lives wrote down: calls that returned, and those they were killed in."""

    def __init__(self, file: Path) -> None:
        self.lines = [line.split() for line in file.read_text().splitlines()]

    def done(self, name: str) -> list[str]:
        return [word for line in self.lines if line[:2] == ["done", name] for word in line[2:]]

    def received(self) -> set[str]:
        return {line[1] for line in self.lines if line[0] == "received"}

    def killed_in(self) -> Counter[str]:
        """How many lives ended in each kind of call."""
        last = [
            before
            for before, line in zip(self.lines, [*self.lines[1:], ["up"]], strict=True)
            if line[0] == "up" and before[0] == "begin"
        ]
        return Counter(line[1] for line in last)


def lines_of(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def wait_for(file: Path, lines: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while lines_of(file) < lines:
        assert time.monotonic() < until, "it does not get on"
        time.sleep(0.0005)


@contextmanager
def lives(url: str, ledger: Path) -> Iterator[subprocess.Popen[str]]:
    """The process that forks a child for each number it is given."""
    with subprocess.Popen(
        [sys.executable, WORKER, url, ledger],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.communicate(timeout=60)


def begin(process: subprocess.Popen[str], number: int) -> int:
    """Let a child live; gives its id once it is at work."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{number}\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def ended(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.fixture
def roster(desk) -> None:
    """Two agents on shift for four weeks, and a receiver of replies."""
    until = desk.clock.at + timedelta(days=28)
    desk.publish(*(desk.stretch(name, "x", slots=3, end=until) for name in ("amy", "bob")))
    with desk.store.writing("manager:mia") as writing:
        save_source(
            writing,
            Source("webhook", "webhook", "known to both of them", "http://127.0.0.1:9/replies"),
        )


@pytest.mark.slow
@pytest.mark.usefixtures("roster")
def test_nothing_is_lost_or_done_twice_when_it_is_killed_at_any_moment(store, store_url, tmp_path):
    file = tmp_path / "ledger"
    chance = random.Random(7)
    with lives(store_url, file) as process:
        for number in range(1, KILLS + 1):
            written = lines_of(file)
            child = begin(process, number)
            wait_for(file, written + chance.randint(1, MOST_LINES))
            time.sleep(chance.uniform(0.0, LONGEST_S))
            kill(child, signal.SIGKILL)
            assert ended(process) == -signal.SIGKILL
            assert torn(store) == {}
        begin(process, -KILLS - 1)
        assert ended(process) == 0
    assert torn(store) == {}
    ledger = Ledger(file)

    # What was told to be taken in or accepted is there, once, and worked; what was cut off may be.
    e = tables.raw_events.c
    d = tables.deliveries.c
    with store.reading() as connection:
        taken = connection.scalars(sa.select(e.native_id)).all()
        answered = connection.scalars(
            sa.select(tables.case_events.c.case_id).where(tables.case_events.c.kind == "answered")
        ).all()
        letters = connection.scalars(sa.select(tables.outbox.c.key)).all()
        states = Counter(connection.scalars(sa.select(tables.outbox.c.state)))
        open_cases = connection.scalars(sa.select(tables.cases.c.state).distinct()).all()
        deliveries = Counter(connection.scalars(sa.select(d.state)))
    assert len(taken) == len(set(taken))
    accepted = len(ledger.done("accept"))
    assert deliveries.keys() == {"done"}
    assert accepted <= deliveries["done"] <= accepted + KILLS
    assert set(ledger.done("intake")) | set(ledger.done("accept")) <= set(taken)

    # What an agent was told is sent is sent once; of those cut off, each at most once.
    told = Counter(int(case_id) for case_id in ledger.done("claim"))
    assert not told - Counter(answered)
    assert (Counter(answered) - told).total() <= KILLS
    assert ledger.received() == set(letters)
    assert states.keys() == {"sent"}
    assert open_cases == ["answered"]

    # The kills did hit calls of most kinds in their midst.
    assert len(ledger.killed_in()) >= 4
