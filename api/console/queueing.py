"""What the console asks of the live queue, and what people do there.

The one place where the page Queue reaches the queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from wfm.brands import Brand
from wfm.casequeue import board as boards
from wfm.casequeue import claims, escalation, merging, moves, supervise, tasks
from wfm.cases import Case
from wfm.errors import LeaseLost, NotFound
from wfm.store import board as board_rows
from wfm.store import cases, clocks, staffing
from wfm.store import presence as presence_rows
from wfm.store import tasks as task_rows
from wfm.store.brands import load_brand
from wfm.store.cases import CaseEvent, Message
from wfm.store.clocks import CaseClock
from wfm.store.engine import Store
from wfm.store.people import load_agents
from wfm.store.staffing import OnShift
from wfm.store.tasks import Task

# Tasks of one case that the page lists.
TASKS = 50


@dataclass(frozen=True)
class Person:
    """An agent who is on shift, as the page names them."""

    agent_id: str
    name: str
    shift: OnShift


@dataclass(frozen=True)
class Opened:
    """A case with everything that has become of it, at an instant."""

    as_of: datetime
    case: Case
    handle: str
    author_kind: str
    messages: tuple[Message, ...]
    events: tuple[CaseEvent, ...]
    clocks: tuple[CaseClock, ...]
    tasks: tuple[Task, ...]

    @property
    def open_tasks(self) -> tuple[Task, ...]:
        """What is still to be done for it."""
        return tuple(task for task in self.tasks if task.state == "open")


class Queueing:
    """The live queue for one console, from any of its threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def brand(self) -> Brand:
        """The brand; NotFound before one is imported."""
        with self._store.reading() as connection:
            return load_brand(connection)

    def now(self) -> datetime:
        return self._store.clock.now()

    def today(self, brand: Brand) -> boards.Today:
        with self._store.reading() as connection:
            return boards.today(connection, brand, self.now())

    def board(self, brand: Brand, queue: str | None, limit: int) -> boards.Board:
        """The first cases of a queue, or of all."""
        queues = None if queue is None else [queue]
        with self._store.reading() as connection:
            return boards.board(connection, brand, self.now(), queues, limit)

    def on_shift(self) -> tuple[OnShift, ...]:
        """Everybody's stretch now, by agent."""
        with self._store.reading() as connection:
            return staffing.all_on_shift_at(connection, self.now())

    def people(self) -> tuple[Person, ...]:
        """Those on shift now, by name."""
        names = self.names()
        found = [Person(s.agent_id, names.get(s.agent_id, s.agent_id), s) for s in self.on_shift()]
        return tuple(sorted(found, key=lambda person: person.name))

    def names(self) -> dict[str, str]:
        """All agents' names, by id."""
        with self._store.reading() as connection:
            return {agent.agent_id: agent.name for agent in load_agents(connection)}

    def in_hand(self, agent_id: str) -> tuple[Case, ...]:
        """The cases that the agent holds, the first due first."""
        with self._store.reading() as connection:
            return board_rows.held_by(connection, agent_id, self.now())

    def opened(self, case_id: int) -> Opened:
        """The case; NotFound when there is none."""
        with self._store.reading() as connection:
            case = cases.find_case(connection, case_id)
            known = (
                {} if case.author_id is None else board_rows.writers(connection, [case.author_id])
            )
            writer = known.get(case.author_id or 0)
            return Opened(
                as_of=self.now(),
                case=case,
                handle=(writer.handle if writer else "") or case.author,
                author_kind=writer.kind if writer else "",
                messages=cases.messages_of(connection, case_id),
                events=cases.events_of(connection, case_id),
                clocks=clocks.clocks_of(connection, case_id),
                tasks=task_rows.page_of_tasks(connection, case_id=case_id, limit=TASKS),
            )

    # -- an agent's acts, for whoever acts as them ------------------------------------------------

    def claim(self, agent_id: str, actor: str) -> Case:
        """The next case of the agent; NotFound when none waits that they may take."""
        claimed = claims.claim_next(self._store, agent_id, brand=self.brand(), actor=actor)
        if claimed is None:
            raise NotFound(f"no case waits that {agent_id} may take", agent_id=agent_id)
        return claimed.case

    def token(self, case_id: int, agent_id: str) -> str:
        """The token of the agent's hold of the case; LeaseLost when they do not hold it."""
        with self._store.reading() as connection:
            case = cases.find_case(connection, case_id)
            token = presence_rows.lease_of(connection, case_id, now=self.now())
        if token is None or case.agent_id != agent_id:
            who = f"held by {case.agent_id}" if case.state == "assigned" and token else case.state
            raise LeaseLost(
                f"{agent_id} does not hold case {case_id} any more: it is {who}", case_id=case_id
            )
        return token

    def answer(self, case_id: int, agent_id: str, text: str, actor: str) -> Case:
        token = self.token(case_id, agent_id)
        return claims.answer(self._store, case_id, token, text, brand=self.brand(), actor=actor)

    def release(self, case_id: int, agent_id: str, actor: str) -> Case:
        token = self.token(case_id, agent_id)
        return claims.release(self._store, case_id, token, actor=actor)

    def renew(self, case_id: int, agent_id: str, actor: str) -> Case:
        token = self.token(case_id, agent_id)
        return claims.renew(self._store, case_id, token, actor=actor, brand=self.brand())

    # -- stepping in ------------------------------------------------------------------------------

    def _lease(self, case_id: int) -> str | None:
        """Of whoever holds it: those who step in need nobody's leave."""
        with self._store.reading() as connection:
            return presence_rows.lease_of(connection, case_id, now=self.now())

    def close(self, case_id: int, reason: str, actor: str) -> Case:
        return supervise.close(self._store, case_id, reason, brand=self.brand(), actor=actor)

    def assign(self, case_id: int, agent_id: str, actor: str) -> Case:
        found = supervise.assign(self._store, case_id, agent_id, brand=self.brand(), actor=actor)
        return found.case

    def take_away(self, case_id: int, reason: str, actor: str) -> Case:
        return supervise.take_away(self._store, case_id, actor=actor, reason=reason)

    def escalate(self, case_id: int, reason: str, actor: str) -> Case:
        return escalation.escalate(
            self._store,
            case_id,
            reason,
            brand=self.brand(),
            actor=actor,
            lease_token=self._lease(case_id),
        )

    def pause(self, case_id: int, reason: str, span: timedelta, actor: str) -> Case:
        return moves.pause(
            self._store,
            case_id,
            reason,
            brand=self.brand(),
            actor=actor,
            until=self.now() + span,
            lease_token=self._lease(case_id),
        )

    def resume(self, case_id: int, actor: str) -> Case:
        return moves.resume(self._store, case_id, brand=self.brand(), actor=actor)

    def reopen(self, case_id: int, reason: str, actor: str) -> Case:
        return moves.reopen(self._store, case_id, reason, brand=self.brand(), actor=actor)

    def move(self, case_id: int, queue: str, actor: str) -> Case:
        return moves.move_queue(
            self._store,
            case_id,
            queue,
            brand=self.brand(),
            actor=actor,
            lease_token=self._lease(case_id),
        )

    def set_severity(self, case_id: int, severity: int, actor: str) -> Case:
        return moves.set_severity(self._store, case_id, severity, actor=actor)

    def merge(self, case_id: int, into: int, actor: str) -> Case:
        return merging.merge(self._store, case_id, into=into, brand=self.brand(), actor=actor)

    def follow_up(self, case_id: int, title: str, span: timedelta, actor: str) -> Task:
        due_at = self.now() + span
        return tasks.open_task(self._store, case_id, "follow_up", title, due_at=due_at, actor=actor)

    def finish_task(self, task_id: int, result: str, actor: str) -> Task:
        return tasks.finish_task(self._store, task_id, result, actor=actor)
