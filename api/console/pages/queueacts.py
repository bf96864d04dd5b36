"""What is done on the page Queue: claims, answers and hand-overs, as an agent or as a team lead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update

from api.console import callers, layout, words
from api.console.loop import off_loop
from api.console.pages.queueforms import LEAD
from api.console.queueing import Person, Queueing
from api.console.views import Views
from wfm.errors import RequestError, WfmError
from wfm.timegrid import in_local_time


@dataclass(frozen=True)
class Asked:
    """What is known where a button is pressed.

    person  the agent who acts, or LEAD
    fields  what was written and chosen, by what it is for
    """

    case_id: int | None
    person: str
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def case(self) -> int:
        """The open case; RequestError where none is."""
        if self.case_id is None:
            raise RequestError("open a case first")
        return self.case_id

    @property
    def agent(self) -> str:
        """The agent who acts; RequestError for a team lead."""
        if self.person == LEAD:
            raise RequestError("choose in “Act as” the agent into whose hands it is to come")
        return self.person

    def text(self, name: str, what: str) -> str:
        """What was written in a field; RequestError where nothing was."""
        written = self.fields.get(name, "").strip()
        if not written:
            raise RequestError(f"write {what} first")
        return written

    def number(self, name: str, what: str) -> int:
        """The whole number in a field; RequestError where there is none."""
        written = self.text(name, what)
        if not written.isdecimal() or len(written) > 9:
            raise RequestError(f"{written[:20]!r} is no whole number; write {what}")
        return int(written)

    def span(self, name: str) -> timedelta:
        """The minutes that were chosen."""
        return timedelta(minutes=self.number(name, "for how many minutes"))


@dataclass(frozen=True)
class Done:
    """What came of it, in words; and the case to open."""

    said: str
    case_id: int | None = None


Act = Callable[[Queueing, Asked, str], Done]


def _claim(queue: Queueing, asked: Asked, actor: str) -> Done:
    case = queue.claim(asked.agent, actor)
    return Done(f"Case {case.case_id} is in hand.", case.case_id)


def _take(queue: Queueing, asked: Asked, actor: str) -> Done:
    queue.assign(asked.case, asked.agent, actor)
    return Done(f"Case {asked.case} is in hand.")


def _answer(queue: Queueing, asked: Asked, actor: str) -> Done:
    queue.answer(asked.case, asked.agent, asked.text("reply", "an answer"), actor)
    return Done(f"The answer in case {asked.case} is sent.")


def _release(queue: Queueing, asked: Asked, actor: str) -> Done:
    queue.release(asked.case, asked.agent, actor)
    return Done(f"Case {asked.case} waits again.")


def _renew(queue: Queueing, asked: Asked, actor: str) -> Done:
    queue.renew(asked.case, asked.agent, actor)
    return Done(f"Case {asked.case} is held longer.")


def _close(queue: Queueing, asked: Asked, actor: str) -> Done:
    queue.close(asked.case, asked.text("closed_for", "why the case ends"), actor)
    return Done(f"Case {asked.case} is closed.")


def _give(queue: Queueing, asked: Asked, actor: str) -> Done:
    agent_id = asked.text("agent", "to whom")
    queue.assign(asked.case, agent_id, actor)
    return Done(f"Case {asked.case} is given to {agent_id}.")


def _move(queue: Queueing, asked: Asked, actor: str) -> Done:
    name = asked.text("queue", "which queue")
    queue.move(asked.case, name, actor)
    return Done(f"Case {asked.case} waits in {name}.")


def _take_away(queue: Queueing, asked: Asked, actor: str) -> Done:
    queue.take_away(asked.case, asked.fields.get("taken_for", "").strip(), actor)
    return Done(f"Case {asked.case} waits again.")


def _escalate(queue: Queueing, asked: Asked, actor: str) -> Done:
    queue.escalate(asked.case, asked.text("escalated_for", "why it is escalated"), actor)
    return Done(f"Case {asked.case} is with the specialists.")


def _severity(queue: Queueing, asked: Asked, actor: str) -> Done:
    case = queue.set_severity(asked.case, asked.number("severity", "a severity"), actor)
    return Done(f"Case {asked.case} is of severity {case.severity}.")


def _pause(queue: Queueing, asked: Asked, actor: str) -> Done:
    reason = asked.text("paused_for", "what it waits for")
    queue.pause(asked.case, reason, asked.span("pause_min"), actor)
    return Done(f"Case {asked.case} is paused.")


def _resume(queue: Queueing, asked: Asked, actor: str) -> Done:
    queue.resume(asked.case, actor)
    return Done(f"Case {asked.case} waits again.")


def _reopen(queue: Queueing, asked: Asked, actor: str) -> Done:
    queue.reopen(asked.case, asked.text("reopened_for", "why it is opened again"), actor)
    return Done(f"Case {asked.case} waits again.")


def _merge(queue: Queueing, asked: Asked, actor: str) -> Done:
    into = asked.number("into", "the number of the other case")
    queue.merge(asked.case, into, actor)
    return Done(f"Case {asked.case} goes on in case {into}.", into)


def _follow_up(queue: Queueing, asked: Asked, actor: str) -> Done:
    queue.follow_up(
        asked.case, asked.text("title", "what is to be done"), asked.span("follow_min"), actor
    )
    return Done("The follow-up is planned.")


def _finish(queue: Queueing, asked: Asked, actor: str) -> Done:
    task = queue.finish_task(
        asked.number("task", "which task"), asked.text("result", "what came of it"), actor
    )
    return Done(f"Done: {task.title}.")


ACTS: Mapping[str, Act] = {
    "claim": _claim,
    "take": _take,
    "answer": _answer,
    "release": _release,
    "renew": _renew,
    "close": _close,
    "give": _give,
    "move": _move,
    "take_away": _take_away,
    "escalate": _escalate,
    "severity": _severity,
    "pause": _pause,
    "resume": _resume,
    "reopen": _reopen,
    "merge": _merge,
    "follow_up": _follow_up,
    "finish": _finish,
}


# -- who acts -------------------------------------------------------------------------------------


def person_select(people: Sequence[Person]) -> dcc.Dropdown:
    """Whom the person at the screen acts as; their browser remembers it."""
    return dcc.Dropdown(
        id="queue-person",
        options=person_options(people),
        value=LEAD,
        clearable=False,
        persistence=True,
        persistence_type="local",
        maxHeight=320,
    )


def person_options(people: Sequence[Person]) -> list[dict[str, str]]:
    """The team lead first, then who is on shift now."""
    agents = [
        {"label": f"{p.name} ({words.counted(p.shift.slots, 'slot')})", "value": p.agent_id}
        for p in people
    ]
    return [{"label": "Team lead", "value": LEAD}, *agents]


# -- wiring ---------------------------------------------------------------------------------------


OUTPUTS = ("said", "case", "done")


def act(
    views: Views,
    *,
    pressed: dict[str, Any] | None,
    case_id: int | None,
    person: str | None,
    fields: list[Any],
    done: int,
) -> dict[str, Any]:
    """Do what the pressed button says; how the page shows it."""
    del fields
    if not pressed or pressed.get("do") not in ACTS:
        return dict.fromkeys(OUTPUTS, no_update)
    written = {f["id"]["of"]: str(f["value"] or "") for f in ctx.args_grouping["fields"]}
    asked = Asked(case_id, person or LEAD, written)
    return answered(views.queueing, str(pressed["do"]), asked, done)


def answered(queue: Queueing, what: str, asked: Asked, done: int) -> dict[str, Any]:
    """The act of that name, as the page shows it; an error stands where it is said."""
    told: dict[str, Any] = dict.fromkeys(OUTPUTS, no_update)
    try:
        came = ACTS[what](queue, asked, callers.lead())
    except WfmError as error:
        # Whatever was refused may have changed meanwhile: the page looks again.
        said = layout.failure(in_local_time(error.message, queue.brand().tz))
        return {**told, "said": said, "done": done + 1}
    told |= {"said": html.P(came.said, className="said"), "done": done + 1}
    if came.case_id is not None:
        told["case"] = came.case_id
    return told


def register(app: Dash, views: Views) -> None:
    app.callback(
        output={
            "said": Output("queue-said", "children"),
            "case": Output("queue-case", "data"),
            "done": Output("queue-done", "data"),
        },
        inputs={
            "pressed": Input("queue-asked", "data"),
            "case_id": State("queue-case", "data"),
            "person": State("queue-person", "value"),
            "fields": State({"type": "queue-field", "of": ALL}, "value"),
            "done": State("queue-done", "data"),
        },
        prevent_initial_call=True,
    )(off_loop(act, views))
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "function () { return dash_clientside.queue.answered(); }",
        Output("queue-said", "title"),
        Input("queue-done", "data"),
    )
