"""Carrying the policy out: each queue is looked at, told of, and helped, step by step and back.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from wfm.brands import Brand, Queue
from wfm.calendars import is_open
from wfm.care import PolicyStep
from wfm.casequeue import policy
from wfm.casequeue.ahead import QUARTER_S
from wfm.casequeue.levels import keep_levels, levels_now
from wfm.casequeue.moves import acknowledge
from wfm.casequeue.outlook import BACK, QueueOutlook, look_ahead
from wfm.casequeue.policy import State, Taken
from wfm.errors import IllegalMove, RequestError
from wfm.store import levels, queueevents, staffing, waiting
from wfm.store.engine import Store, Writing
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    from sqlalchemy import Connection

ACTOR = "service:policy"

# How often the queues are looked at, however often somebody asks.
EVERY = timedelta(seconds=20)

# Acknowledgements sent to one queue's customers in one go; the others follow at the next look.
AT_ONCE = 200
ACKNOWLEDGEMENT = (
    "Thank you for your message. It has reached us, and one of our team will answer it as soon as "
    "possible."
)

# Whom to call when nobody is on standby: those whose shift begins within this time.
CALLED_AHEAD = timedelta(hours=4)


@dataclass(frozen=True)
class Step:
    """A step that was taken, or taken back, and why."""

    queue: str
    step: int
    action: str
    taken: bool
    reason: str


@dataclass(frozen=True)
class Looked:
    """What a look at all queues has brought: steps, predictions told, acknowledgements sent.

    doubt  why the plan's levels are not those of now; "" when they are
    """

    steps: tuple[Step, ...] = ()
    told: tuple[str, ...] = ()
    acknowledged: int = 0
    doubt: str = ""


def predict_and_act(store: Store, *, brand: Brand, now: datetime | None = None) -> Looked:
    """Look at every queue's next hour, tell what breaks, and take or take back the policy's steps.

    Also sends the acknowledgements of the queues that are acknowledging. Does nothing when the
    queues were looked at less than `EVERY` ago.
    """
    at = now or store.clock.now()
    keep_levels(store, now=at)
    quarters = max(1, brand.care.policy.horizon_s // QUARTER_S)
    plan = levels_now(store, now=at, quarters=quarters, back=BACK)
    with store.reading() as connection:
        documents = levels.policy_documents(connection)
        if _looked_lately(documents, brand, at):
            return Looked(acknowledged=_acknowledge(store, brand, documents, at))
        seen = look_ahead(connection, brand, plan, at)
    with store.writing(ACTOR) as plain:
        desk = _Desk.locked(replace(plain, at=at), brand)
        told = [name for name in sorted(seen) if desk.look(name, seen[name])]
        steps = desk.settle()
    doubt = plan.doubt if plan is not None else "no roster was ever published"
    sent = _acknowledge(store, brand, desk.documents, at)
    return Looked(tuple(steps), tuple(told), sent, doubt)


def hold_step(
    store: Store,
    queue: str,
    number: int,
    on: bool | None,
    *,
    brand: Brand,
    actor: str,
    now: datetime | None = None,
) -> tuple[Step, ...]:
    """Keep a step of the queue's policy taken (True) or not taken (False) whatever is predicted, or
    let the prediction decide again (None); gives what was done at once.

    NotFound for a queue that the brand does not have, RequestError for a number of no step.
    """
    name = brand.queue(queue).name
    count = len(brand.care.policy.steps)
    if not 1 <= number <= count:
        raise RequestError(f"the policy has the steps 1 to {count}; {number} is none of them")
    with store.writing(actor) as plain:
        desk = _Desk.locked(plain.on(now), brand)
        state = desk.states[name]
        holds = {n: held for n, held in state.holds.items() if n != number}
        if on is not None:
            holds[number] = on
        desk.states[name] = replace(state, holds=holds)
        plain.audit(
            "policy.hold",
            f"{name} {number}",
            before={"hold": state.holds.get(number)},
            after={"hold": on},
        )
        return tuple(desk.settle())


def _looked_lately(documents: Mapping[str, Mapping[str, Any]], brand: Brand, at: datetime) -> bool:
    looked = [policy.from_document(documents.get(q.name, {})).looked_at for q in brand.queues]
    return all(last is not None and timedelta() <= at - last < EVERY for last in looked)


@dataclass
class _Desk:
    """All queues' states, locked, while one transaction changes them."""

    writing: Writing
    brand: Brand
    documents: dict[str, dict[str, Any]]
    states: dict[str, State]
    reasons: dict[str, str]

    @classmethod
    def locked(cls, writing: Writing, brand: Brand) -> _Desk:
        names = sorted(queue.name for queue in brand.queues)
        documents = {name: levels.lock_policy(writing, name) for name in names}
        states = {name: policy.from_document(document) for name, document in documents.items()}
        reasons = {
            name: document.get("outlook", {}).get("reason", "")
            for name, document in documents.items()
        }
        return cls(writing, brand, documents, states, reasons)

    def look(self, name: str, seen: QueueOutlook) -> bool:
        """Note what is predicted of the queue, and tell it if it is news; whether it was."""
        at = self.writing.at
        state = policy.look(self.states[name], self.brand.care.policy, breaks=seen.breaks, now=at)
        self.reasons[name] = seen.reason
        outlook = outlook_document(seen, at)
        self.documents[name] = {**self.documents[name], "outlook": outlook}
        news = policy.is_news(state, seen.outlook.late)
        if news:
            body = {key: value for key, value in outlook.items() if key != "quarters"}
            queueevents.add(self.writing, "sla.breach_predicted", queue=name, body=body)
            state = replace(state, told_late=seen.outlook.late)
        self.states[name] = state
        return news

    def settle(self) -> list[Step]:
        """Take the steps that are wanted, take back the others, the last first; keep the states."""
        done: list[Step] = []
        for queue in sorted(self.brand.queues, key=lambda q: q.name):
            done += self._settle(queue)
        levels.put_off(self.writing, self._put_offs())
        for name, state in self.states.items():
            document = {**self.documents[name], **policy.to_document(state)}
            self.documents[name] = document
            levels.write_policy(self.writing, name, document)
        return done

    def _settle(self, queue: Queue) -> list[Step]:
        steps, state = self.brand.care.policy.steps, self.states[queue.name]
        wanted = policy.wanted(state, steps)
        kept: list[Taken] = []
        done: list[Step] = []
        for taken in reversed(state.taken):
            if taken.step in wanted and steps[taken.step - 1].action == taken.action:
                kept.append(taken)
                continue
            self._undo(queue, taken)
            reason = policy.why_back(state, taken.step)
            done.append(self._tell(queue, taken, False, reason))
        kept.reverse()
        held = {taken.step for taken in kept}
        for number in wanted:
            if number in held:
                continue
            what = self._do(queue, steps[number - 1])
            taken = Taken(number, steps[number - 1].action, self.writing.at, what)
            kept.append(taken)
            reason = policy.why_taken(state, number, self.reasons[queue.name])
            done.append(self._tell(queue, taken, True, reason))
        kept.sort(key=lambda taken: taken.step)
        self.states[queue.name] = replace(state, taken=tuple(kept))
        return done

    def _tell(self, queue: Queue, taken: Taken, on: bool, reason: str) -> Step:
        body = {
            "step": taken.step,
            "action": taken.action,
            "taken": on,
            "reason": reason,
            **({"what": dict(taken.what)} if on else {}),
        }
        queueevents.add(self.writing, "policy.step", queue=queue.name, body=body)
        return Step(queue.name, taken.step, taken.action, on, reason)

    def _do(self, queue: Queue, step: PolicyStep) -> dict[str, Any]:
        """Take the step; gives what was done, to be told and undone."""
        match step.action:
            case "put_off":
                queues = step.queues or self._can_wait(queue)
                seconds = step.put_off_s or self.brand.care.policy.horizon_s
                return {"queues": list(queues), "put_off_s": seconds}
            case "spike_mode":
                was = waiting.set_spike_mode(self.writing, queue.name, True)
                return {"was_on": was}
            case "call_out":
                return _call_out(self.writing.connection, queue, step, self.writing.at)
            case "acknowledge":
                return {}

    def _undo(self, queue: Queue, taken: Taken) -> None:
        # Spike mode that people had put on is theirs to take off. What was put off comes back with
        # `_put_offs`, and who was called is not called off.
        if taken.action == "spike_mode" and not taken.what.get("was_on", False):
            waiting.set_spike_mode(self.writing, queue.name, False)

    def _can_wait(self, queue: Queue) -> tuple[str, ...]:
        """The open queues that promise the longest, if longer than this one."""
        others = [
            other
            for other in self.brand.queues
            if other.promise.threshold_s > queue.promise.threshold_s
            and is_open(other.window, self.writing.at)
        ]
        longest = max((other.promise.threshold_s for other in others), default=0)
        return tuple(other.name for other in others if other.promise.threshold_s == longest)

    def _put_offs(self) -> dict[str, int]:
        """By how much each queue is put off, by whichever queue asks for most."""
        seconds = dict.fromkeys(self.states, 0)
        for state in self.states.values():
            for taken in state.taken:
                for name in taken.what.get("queues", ()):
                    if name in seconds:
                        seconds[name] = max(seconds[name], taken.what["put_off_s"])
        return seconds


def _call_out(
    connection: Connection, queue: Queue, step: PolicyStep, at: datetime
) -> dict[str, Any]:
    """Whom to call: those named, else those on standby, else those whose shift begins next."""
    if step.agents:
        return {"agents": list(step.agents), "because": "they are named by the policy"}
    ahead = at + CALLED_AHEAD
    standby = levels.on_standby(connection, at, ahead)
    if standby:
        return {
            "agents": list(dict.fromkeys(one.agent_id for one in standby)),
            "because": "they are on standby",
        }
    there = {shift.agent_id for shift in staffing.all_on_shift_at(connection, at)}
    coming = sorted(
        (shift.start, shift.agent_id)
        for shift in staffing.shifts_between(connection, at, ahead)
        if shift.start > at and queue.name in shift.queues and shift.agent_id not in there
    )
    return {
        "agents": list(dict.fromkeys(agent for _, agent in coming)),
        "because": "nobody is on standby; their shift begins next",
    }


def _acknowledge(
    store: Store, brand: Brand, documents: Mapping[str, Mapping[str, Any]], at: datetime
) -> int:
    """Acknowledge what waits in the queues that are acknowledging; how many were."""
    sent = 0
    for queue in brand.queues:
        taken = policy.from_document(documents.get(queue.name, {})).taken
        step = next((one for one in taken if one.action == "acknowledge"), None)
        if step is None or step.step > len(brand.care.policy.steps):
            continue
        text = brand.care.policy.steps[step.step - 1].text or ACKNOWLEDGEMENT
        with store.reading() as connection:
            case_ids = levels.to_acknowledge(connection, queue.name, limit=AT_ONCE)
        for case_id in case_ids:
            # Somebody answered or closed it in between: then it needs none.
            with suppress(IllegalMove):
                acknowledge(store, case_id, text, brand=brand, actor=ACTOR, now=at)
                sent += 1
    return sent


# -- telling -------------------------------------------------------------------------------------


def outlook_document(seen: QueueOutlook, at: datetime) -> dict[str, Any]:
    """What is predicted of a queue, as JSON: instants RFC 3339, shares 0 to 1, seconds."""
    outlook = seen.outlook
    breaks = outlook.breaks_in_s
    return {
        "as_of": format_instant(at),
        "breaks_at": None if breaks is None else format_instant(at + timedelta(seconds=breaks)),
        "reason": seen.reason,
        "share": round(outlook.share, 4),
        "late": round(outlook.late, 2),
        "due": round(outlook.due, 2),
        "waiting": seen.waiting,
        "late_now": seen.late,
        "agents": round(seen.agents, 2),
        "planned": round(seen.planned, 2),
        "coming": round(seen.coming, 1),
        "forecast": None if seen.forecast is None else round(seen.forecast, 1),
        "quarters": [
            {
                "start": format_instant(at + timedelta(seconds=quarter.in_s)),
                "due": round(quarter.due, 2),
                "late": round(quarter.late, 2),
                "share": round(quarter.share, 4),
                "waiting": round(quarter.waiting, 1),
                "wait_s": None if quarter.wait_s is None else round(quarter.wait_s),
                "agents": round(quarter.agents, 2),
            }
            for quarter in outlook.quarters
        ],
    }
