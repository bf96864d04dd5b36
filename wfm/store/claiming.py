"""A claim's two statements: what an agent may take, and taking the first of it.

The first tells everything about the agent at once and, on PostgreSQL, lets one transaction at a
time claim for them. The second finds the first waiting case in the order, passing over those that
others hold locked, and makes it the agent's if they still have a free slot; its condition is
checked after the lock is held, so that nobody ever holds more than their slots.

Both are prepared: claims are the one thing that happens as often as agents are fast.

On the live queue's path: no pandas.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from wfm.cases import Case
from wfm.order import LOST
from wfm.store import staffing, tables, waiting
from wfm.store.cases import ASSIGNED, CASE, NEW
from wfm.store.engine import Writing
from wfm.store.prepared import Prepared, prepare
from wfm.store.presence import WORD_HOLDS, word_of
from wfm.store.staffing import OnShift
from wfm.store.tables import Instant
from wfm.store.waiting import BY_INDEX, Mode

cases = tables.cases
c = cases.c

# How many of the first cases of a queue a claim looks at on PostgreSQL, where so many may be in the
# hands of others who claim just now; after them it looks at all.
HEADS = 16

# Before anything was due: the lost cases of a queue whose lost cases do not come last.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Standing:
    """What is known of an agent who wants a case.

    shift      the stretch they are in, or None
    levels     their skill level by queue
    word       what they said of late: "away" or "off"; None: neither
    expired    whether leases have run out that nobody has taken back yet
    as_usual   no queue is in spike mode or put off
    """

    shift: OnShift | None
    levels: Mapping[str, int]
    word: str | None
    expired: bool
    as_usual: bool


@dataclass(frozen=True)
class Wanted:
    """A queue that the agent may take cases of.

    level      their skill level there
    late_last  its lost cases come after all others
    put_off_s  its cases come so much later in the order than they are due
    counted    it is in spike mode, which counts its claims
    """

    queue: str
    level: int
    late_last: bool = False
    put_off_s: int = 0
    counted: bool = False


def standing(writing: Writing, agent_id: str) -> Standing:
    """What the agent may do now; from here to the transaction's end nobody else claims for them."""
    name = writing.connection.dialect.name
    statement = _standing_statement(name)
    values: dict[str, Any] = {
        "agent": agent_id,
        "now": writing.at,
        "word_after": writing.at - WORD_HOLDS,
    }
    if name == "postgresql":
        values["lock"] = f"wfm.agent:{agent_id}"
    row = statement.run(writing.connection, values)[0]
    start, end, queues, slots, document, word, first_lease, unusual = row[:8]
    shift = None
    if start is not None:
        shift = OnShift(agent_id, start, end, tuple(queues.split()), slots)
    expired = first_lease is not None and first_lease <= writing.at
    return Standing(shift, _levels(document), word, expired, not unusual)


def _levels(document: Any) -> dict[str, int]:
    if document is None:
        return {}
    known = json.loads(document) if isinstance(document, str) else document
    return {skill["queue"]: skill["level"] for skill in known.get("skills", ())}


@cache
def _standing_statement(name: str) -> Prepared:
    now = sa.bindparam("now", type_=Instant())
    agent = sa.bindparam("agent", type_=sa.String())
    shift = staffing.shift_of(agent, now).subquery()
    agents, state = tables.agents.c, tables.queue_state.c
    columns: list[sa.ColumnElement[Any]] = [
        shift.c.start,
        shift.c.end,
        shift.c.queues,
        shift.c.slots,
        sa.select(sa.cast(agents.document, sa.Text))
        .where(agents.agent_id == agent)
        .scalar_subquery()
        .label("document"),
        _word(agent).with_only_columns(tables.presence.c.state).scalar_subquery(),
        sa.select(sa.func.min(c.lease_until)).where(ASSIGNED).scalar_subquery(),
        sa.exists().where(sa.or_(state.spike_mode, state.put_off_s > 0)).label("unusual"),
    ]
    if name == "postgresql":
        key = sa.func.hashtextextended(sa.bindparam("lock", type_=sa.String()), 0)
        columns.append(sa.cast(sa.func.pg_advisory_xact_lock(key), sa.Text))
    one = sa.select(sa.literal_column("1").label("one")).subquery()
    statement = sa.select(*columns).select_from(one.outerjoin(shift, sa.true()))
    return prepare(statement, columns, name)


def _word(agent: sa.BindParameter[str]) -> sa.Select[Any]:
    return word_of(agent, sa.bindparam("word_after", type_=Instant()))


def modes(writing: Writing) -> dict[str, Mode]:
    """The queues that are not ordered as usual."""
    name = writing.connection.dialect.name
    rows = _modes_statement(name).run(writing.connection, {})
    return {queue: Mode(bool(spike), claims, put_off_s) for queue, spike, claims, put_off_s in rows}


@cache
def _modes_statement(name: str) -> Prepared:
    return prepare(waiting.UNUSUAL, tuple(waiting.UNUSUAL.selected_columns), name)


def count_spike_claim(writing: Writing, queue: str) -> None:
    """One more claim was made of a queue in spike mode."""
    name = writing.connection.dialect.name
    values = {"in_queue": queue, **writing.stamp}
    _count_statement(name).run(writing.connection, values)


@cache
def _count_statement(name: str) -> Prepared:
    state = tables.queue_state
    statement = (
        state.update()
        .where(state.c.queue == sa.bindparam("in_queue", type_=sa.String()))
        .values(
            claims=state.c.claims + sa.literal_column("1"),
            actor=sa.bindparam("actor", type_=sa.String()),
            written_at=sa.bindparam("written_at", type_=Instant()),
        )
    )
    return prepare(statement, (), name)


# -- taking the first ----------------------------------------------------------------------------


def take_first(
    writing: Writing,
    agent_id: str,
    wanted: Sequence[Wanted],
    *,
    slots: int,
    lease_token: str,
    lease_until: datetime,
) -> Case | None:
    """The first waiting case in the order becomes the agent's, with the event `claimed`.

    None when none waits that they may take, or when they hold `slots` cases already. Cases that
    another transaction has locked are passed over; where all are, it is waited until that is
    decided.
    """
    if not wanted:
        return None
    name = writing.connection.dialect.name
    values: dict[str, Any] = {
        "agent": agent_id,
        "others": slots - 1,
        "token": lease_token,
        "until": lease_until,
        "now": writing.at,
        "actor": writing.actor,
        "word_after": writing.at - WORD_HOLDS,
    }
    shape = Shape(
        len(wanted),
        late_last=any(one.late_last for one in wanted),
        put_off=any(one.put_off_s for one in wanted),
    )
    for i, one in enumerate(wanted):
        values[f"queue{i}"], values[f"level{i}"] = one.queue, one.level
        if shape.late_last:
            lost = writing.at + LOST - timedelta(seconds=one.put_off_s)
            values[f"lost{i}"] = lost if one.late_last else LONG_AGO
        if shape.put_off:
            values[f"later{i}"] = _seconds(name, one.put_off_s)
    depths: tuple[int | None, ...] = (1,)
    if name == "postgresql":
        # The heads; then all of them; then all of them again, waiting for those who hold them.
        depths = (HEADS, None, 0)
    for depth in depths:
        found = _take_statement(name, shape, depth).run(writing.connection, values)
        if found:
            case = Case(*found[0])
            if name == "sqlite":
                _event_statement(name).run(
                    writing.connection,
                    {"case": case.case_id, "now": writing.at, "agent": agent_id,
                     "actor": writing.actor},
                )  # fmt: skip
            return case
        if depth == depths[0] and _holds_all(writing, agent_id, slots):
            return None
    return None


def _holds_all(writing: Writing, agent_id: str, slots: int) -> bool:
    return waiting.count_held(writing.connection, agent_id, now=writing.at) >= slots


@dataclass(frozen=True)
class Shape:
    """What a claim's statement depends on: its text is made once for each.

    queues     how many are looked at
    late_last  whether the lost cases of one of them come last
    put_off    whether one of them is put off
    """

    queues: int
    late_last: bool = False
    put_off: bool = False


@cache
def _take_statement(name: str, shape: Shape, depth: int | None) -> Prepared:
    """depth: how many of the first of each queue are looked at; None all, 0 all, and waiting."""
    is_postgres = name == "postgresql"
    first = _first_waiting(name, shape, depth)
    if is_postgres:
        first = first.with_for_update(skip_locked=depth != 0, of=cases)
    now = sa.bindparam("now", type_=Instant())
    agent = sa.bindparam("agent", type_=sa.String())
    # Looks no further than at as many as the agent has slots. No lease that has run out is among
    # them: the claim has taken those back before.
    full: sa.Select[Any] = (
        sa.select(sa.literal_column("1"))
        .select_from(mine := cases.alias("mine"))
        .where(mine.c.state == sa.literal_column("'assigned'"), mine.c.agent_id == agent)
        .limit(1)
        .offset(sa.bindparam("others", type_=sa.Integer()))
    )
    taking = (
        cases.update()
        .where(
            c.case_id == first.scalar_subquery(),
            ~sa.exists(full),
            # Asked again: they may have gone while this claim waited for their lock.
            ~_word(agent).exists(),
        )
        .values(
            state=sa.literal_column("'assigned'"),
            agent_id=agent,
            lease_token=sa.bindparam("token", type_=sa.String()),
            lease_until=sa.bindparam("until", type_=Instant()),
            claimed_at=now,
            actor=sa.bindparam("actor", type_=sa.String()),
            written_at=now,
        )
        .returning(*CASE)
    )
    if not is_postgres:
        return prepare(taking, CASE, name)
    taken = taking.cte("taken")
    events = tables.case_events
    noted = (
        events.insert()
        .from_select(
            ["case_id", "kind", "at", "agent_id", "actor"],
            sa.select(
                taken.c.case_id,
                sa.literal_column("'claimed'"),
                now,
                agent,
                sa.bindparam("actor", type_=sa.String()),
            ),
            include_defaults=False,
        )
        .cte("noted")
    )
    statement = sa.select(*taken.c).add_cte(noted)
    return prepare(statement, CASE, name)


@cache
def _event_statement(name: str) -> Prepared:
    statement = tables.case_events.insert().values(
        case_id=sa.bindparam("case", type_=sa.Integer()),
        kind=sa.literal_column("'claimed'"),
        at=sa.bindparam("now", type_=Instant()),
        agent_id=sa.bindparam("agent", type_=sa.String()),
        actor=sa.bindparam("actor", type_=sa.String()),
    )
    return prepare(statement, (), name)


def _first_waiting(name: str, shape: Shape, depth: int | None) -> sa.Select[Any]:
    """Id of the first waiting case of the queues, in the order of `wfm.order`.

    Each queue's cases stand in the order in its part of the index; only the first of each are
    compared with each other, and where lost cases come last the first of both parts of each: of
    those that are lost, and of those that are not.
    """
    if shape == Shape(1):
        return sa.select(c.case_id).where(*_of_queue(0)).order_by(*BY_INDEX).limit(1)
    runs = []
    for i in range(shape.queues):
        lost = sa.bindparam(f"lost{i}", type_=Instant())
        due_at = _due_later(name, i) if shape.put_off else c.due_at
        parts = ((0, c.due_at > lost), (1, c.due_at <= lost)) if shape.late_last else ((0, None),)
        for last, is_part in parts:
            own = sa.select(
                c.case_id, sa.literal_column(str(last)).label("last"), due_at.label("due_later")
            )
            conditions = _of_queue(i) if is_part is None else (*_of_queue(i), is_part)
            run = own.where(*conditions).order_by(*BY_INDEX).limit(depth or None).subquery()
            runs.append(sa.select(run))
    heads = sa.union_all(*runs).subquery("heads")
    return (
        sa.select(c.case_id)
        .select_from(heads.join(cases, c.case_id == heads.c.case_id))
        .where(NEW)
        .order_by(heads.c.last, heads.c.due_later, *BY_INDEX[1:])
        .limit(1)
    )


def _of_queue(i: int) -> tuple[sa.ColumnElement[bool], ...]:
    level = sa.bindparam(f"level{i}", type_=sa.Integer())
    return NEW, c.queue == sa.bindparam(f"queue{i}", type_=sa.String()), c.needs_level <= level


def _due_later(name: str, i: int) -> sa.ColumnElement[Any]:
    """`due_at` and as many seconds as the queue is put off, as the database sorts instants."""
    if name == "postgresql":
        seconds = sa.bindparam(f"later{i}", type_=sa.Integer())
        return c.due_at + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    later = sa.bindparam(f"later{i}", type_=sa.String())
    moved = sa.func.strftime("%Y-%m-%d %H:%M:%S", c.due_at, later)
    # SQLite's own instants end at milliseconds; the fraction moves along as it stands.
    return moved.op("||")(sa.func.substr(c.due_at, 20))


def _seconds(name: str, seconds: int) -> int | str:
    return seconds if name == "postgresql" else f"{seconds:+d} seconds"
