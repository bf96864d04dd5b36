"""A queue at work that writes down what it was told is done, until it is killed; for test_killed.

    python works_until_killed.py DATABASE_URL LEDGER

reads numbers from its input. For each it forks a child with connections of its own, tells the
child's process id and, once the child has ended, how. The ledger has one line for each call:
`begin NAME` before it and `done NAME WHAT` when it has returned. A child that is given a number
below 0 stops by itself when nothing is left to do.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from wfm.brands import Brand, Market, Queue
from wfm.calendars import ServiceWindow
from wfm.casequeue.claims import answer, claim_next
from wfm.casequeue.outgoing import deliver
from wfm.casequeue.sending import Sent
from wfm.cases import Contact
from wfm.ingest import inbox
from wfm.ingest.intake import take_in_many
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store.deliveries import Incoming
from wfm.store.engine import Store, make_engine
from wfm.timegrid import FixedClock, format_instant

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
# Longer than a lease: what the one before held when it was killed waits again.
APART = timedelta(minutes=20)
AUTHORS = 12
AGENTS = ("amy", "bob")
ACTOR = "test:worker"

QUEUE = Queue(
    name="x",
    channel="x",
    handle="@care",
    language="en",
    window=ServiceWindow.always(),
    goals=(ServiceGoal.first_response(),),
    opening_goal=OpeningGoal(3600),
    work=WorkLaw(),
)
BRAND = Brand(
    name="Testbrand",
    zone="Europe/Berlin",
    markets=(Market("germany", "DE", "Europe/Berlin"),),
    queues=(QUEUE,),
    contracts=(),
    templates=(),
)


class Worker:
    """One life of the queue."""

    def __init__(self, store: Store, run: int, ledger: int) -> None:
        self.store, self.run, self.ledger = store, run, ledger

    def tell(self, line: str) -> None:
        os.write(self.ledger, f"{line}\n".encode())

    def step(self, name: str, call: Callable[[], str]) -> str:
        self.tell(f"begin {name}")
        done = call()
        self.tell(f"done {name} {done}")
        return done

    def contact(self, name: str, author: int) -> Contact:
        return Contact(
            source="webhook",
            account="@care",
            native_id=name,
            queue="x",
            author=f"author {author % AUTHORS}",
            text="it does not work",
            published_at=self.store.clock.now(),
        )

    def take_in(self, turn: int) -> str:
        contacts = [self.contact(f"t{self.run}-{turn}-{n}", turn + n) for n in range(3)]
        take_in_many(self.store, [(one, "{}") for one in contacts], brand=BRAND, actor=ACTOR)
        return " ".join(one.native_id for one in contacts)

    def accept(self, turn: int) -> str:
        name = f"d{self.run}-{turn}"
        message = {
            "id": name,
            "account": "@care",
            "queue": "x",
            "author": f"author {turn % AUTHORS}",
            "text": "it does not work",
            "published_at": format_instant(self.store.clock.now()),
        }
        body = json.dumps(message).encode()
        delivery = Incoming("webhook", name, body, f"v1={name}", self.store.clock.now())
        assert inbox.accept(self.store, [delivery]) == (inbox.Accepted(known=False),)
        return name

    def work_inbox(self) -> str:
        return str(inbox.work(self.store, brand=BRAND, limit=20).deliveries)

    def claim_and_answer(self, turn: int) -> str:
        agent = AGENTS[turn % len(AGENTS)]
        claimed = claim_next(self.store, agent, brand=BRAND, actor=f"agent:{agent}")
        if claimed is None:
            return ""
        self.tell("begin answer")
        case = answer(
            self.store,
            claimed.case.case_id,
            claimed.lease_token,
            "Try this.",
            brand=BRAND,
            actor=f"agent:{agent}",
        )
        return str(case.case_id)

    def deliver(self) -> str:
        def send(_source: Any, letter: Any) -> Sent:
            self.tell(f"received {letter.key}")
            return Sent()

        return str(deliver(self.store, send=send).sent)

    def work(self, turn: int) -> None:
        self.step("intake", partial(self.take_in, turn))
        self.step("accept", partial(self.accept, turn))
        self.step("inbox", self.work_inbox)
        self.step("claim", partial(self.claim_and_answer, turn))
        self.step("deliver", self.deliver)

    def to_the_end(self) -> None:
        """Work off all that the lives before have left."""
        while self.work_inbox() != "0":
            pass
        while self.step("claim", partial(self.claim_and_answer, 0)):
            pass
        while self.deliver() != "0":
            pass


def live(store: Store, run: int, ledger: int) -> None:
    """One child's life, on a clock that has moved on since the one before."""
    # The parent's connections are the parent's; what it has compiled is of use here.
    store.engine.dispose(close=False)
    store.clock = FixedClock(NOW + abs(run) * APART)
    worker = Worker(store, run, ledger)
    with store.reading():
        pass  # connected: what is killed is work
    print(os.getpid(), flush=True)
    worker.tell("up")
    if run < 0:
        worker.to_the_end()
        return
    for turn in itertools.count():
        worker.work(turn)


def main() -> None:
    url, file = sys.argv[1:]
    ledger = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    store = Store(make_engine(url), FixedClock(NOW))
    # Every statement is compiled once, so that children need not do it each.
    warm = Worker(store, 0, ledger)
    for turn in range(2):
        warm.work(turn)
    store.engine.dispose()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(store, int(line), ledger)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
