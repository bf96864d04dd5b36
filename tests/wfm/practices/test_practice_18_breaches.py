"""Practice: timeliness is measured by events: every promise that breaks leaves one that names the
promise and what stood in its way, and what the figures say reconciles with them.
"""

from __future__ import annotations

import csv
import io
import random

import sqlalchemy as sa

from api.exports.metricscsv import figures_csv
from wfm.casequeue.claims import close
from wfm.casequeue.moves import pause, resume
from wfm.casequeue.watching import watch
from wfm.metrics.ranges import measure
from wfm.store import tables

HOURS = 4


def a_busy_day(desk) -> None:
    """More messages than two agents answer in time, some paused, some closed, some left."""
    dice = random.Random(18)
    desk.publish(desk.stretch("amy"), desk.stretch("bob"))
    held, paused = {}, []
    for minute in range(HOURS * 60):
        desk.clock.move(minutes=1)
        if dice.random() < 0.12:
            desk.message(f"author{minute}")
        agent = ("amy", "bob")[minute % 2]
        if agent in held and dice.random() < 0.12:
            claimed = held.pop(agent)
            if claimed.case.lease_until > desk.clock.at:
                desk.answer(claimed)
                if dice.random() < 0.5:
                    close(
                        desk.store, claimed.case.case_id, "solved",
                        brand=desk.brand, actor="agent:amy",
                    )  # fmt: skip
        if agent not in held and (claimed := desk.claim(agent)) is not None:
            if dice.random() < 0.2:
                pause(
                    desk.store, claimed.case.case_id, "asked the warehouse",
                    brand=desk.brand, actor="lead:lee", lease_token=claimed.lease_token,
                )  # fmt: skip
                paused.append(claimed.case.case_id)
            else:
                held[agent] = claimed
        if paused and dice.random() < 0.05:
            resume(desk.store, paused.pop(), brand=desk.brand, actor="lead:lee")
        if minute % 20 == 0:
            # Seldom enough that many breaches are first seen by an answer, or a pause.
            watch(desk.store, brand=desk.brand)
    watch(desk.store, brand=desk.brand)


def test_every_breach_has_an_event_with_its_cause_and_the_figures_reconcile(desk):
    start = desk.clock.at
    a_busy_day(desk)
    c, e = tables.clocks.c, tables.case_events.c
    with desk.store.reading() as connection:
        late = connection.execute(
            sa.select(c.case_id, c.metric, c.threshold_s, c.outcome, c.elapsed_s).where(
                c.breached_at.is_not(None)
            )
        ).all()
        judged_late = connection.scalar(
            sa.select(sa.func.count()).where(c.outcome == "late", c.breached_at.is_(None))
        )
        events = connection.execute(sa.select(e.case_id, e.text).where(e.kind == "breached")).all()
        told = measure(connection, desk.brand, start, desk.clock.at, now=desk.clock.at)
    words = {"first_response": "first response", "resolution": "resolution"}
    assert judged_late == 0
    assert len(late) > 10
    assert len({row.metric for row in late}) == 2
    # One event for each promise that broke, and none besides.
    within = {900: "15 min", 3600: "1 h"}
    promises = sorted(
        (r.case_id, f"{words[r.metric]} within {within[r.threshold_s]}") for r in late
    )
    assert sorted((event.case_id, event.text.split(",")[0]) for event in events) == promises
    causes = [event.text.partition("Z: ")[2] for event in events]
    assert all(causes)
    assert len({cause.split(" ")[0] for cause in causes}) > 2
    first = [row for row in late if row.metric == "first_response"]
    assert told[0].figures["first_response_late"] == len(first)
    (line,) = csv.DictReader(io.StringIO(figures_csv(told, desk.brand.tz).decode()))
    assert float(line["first_response_late"]) == len(first)
