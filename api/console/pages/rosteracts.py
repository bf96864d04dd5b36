"""What the page Roster does: keeps an edit, undoes it, starts a draft's jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, html, no_update

from api.console import callers, layout, words
from api.console.drafting import Absent
from api.console.loop import off_loop
from api.console.pages import rosterbar
from api.console.pages.rostercell import Cell
from api.console.views import Views
from api.planning.drafts import Edited
from api.planning.publishing import PublishRequest
from scheduling.editing.edits import Edit, edit_from
from wfm.errors import LostEdit, RequestError, WfmError

DONE = {
    "save": "Saved.",
    "undo": "Undone.",
    "redo": "Done again.",
    "repair": "The roster is repaired.",
}


@dataclass(frozen=True)
class Asked:
    """What is known where a button is pressed.

    reasons  by what they are for; `last` is the last day of an absence
    """

    draft_id: int | None
    revision: int
    cell: Cell | None = None
    edit: Edit | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    last: date | None = None

    @property
    def draft(self) -> int:
        """The draft's id; RequestError where none is open."""
        if self.draft_id is None:
            raise RequestError("open a draft first")
        return self.draft_id


@dataclass(frozen=True)
class Done:
    """What came of it.

    said      in words; None leaves what stands there
    asked     a question that is put back
    revision  the draft's now, where it changed
    search    the address that the browser goes to
    job       that was started
    cleared   whether the proposed edit is gone
    """

    said: Any = None
    asked: Any = ""
    revision: int | None = None
    search: str | None = None
    job: str | None = None
    cleared: bool = False


def do(views: Views, what: str, asked: Asked, actor: str) -> Done:
    """Do what the button of that name says, for the actor."""
    done: Done
    match what:
        case "leave":
            done = Done(said="", cleared=True)
        case "open":
            done = _open(views, actor)
        case "ask-discard" | "ask-publish":
            done = _ask(views, what, asked)
        case "discard":
            views.drafting.discard(asked.draft, revision=asked.revision, actor=actor)
            done = Done(search="", cleared=True)
        case "resolve" | "publish" | "force":
            done = Done(job=_started(views, what, asked, actor), cleared=True)
        case _:
            edited = _edited(views, what, asked, actor)
            done = Done(said=saved_words(what, edited), revision=edited.revision, cleared=True)
    return done


def _started(views: Views, what: str, asked: Asked, actor: str) -> str:
    drafting = views.drafting
    if what == "resolve":
        return drafting.resolve(asked.draft, revision=asked.revision, actor=actor)
    force = what == "force"
    reason = asked.reasons.get("force", "")
    request = PublishRequest(revision=asked.revision, force=force, reason=reason)
    return drafting.publish(asked.draft, request, actor)


def _open(views: Views, actor: str) -> Done:
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None:
        raise RequestError(layout.GONE)
    who = actor.rpartition(":")[2]
    name = f"{who}, {words.moment(views.now().instant, brand.tz)}"
    return Done(search=f"?draft={views.drafting.open(plan.plan_id, name, actor)}")


def _ask(views: Views, what: str, asked: Asked) -> Done:
    shown = views.shown(asked.draft)
    if shown is None or shown.draft is None:
        raise RequestError(layout.GONE)
    if what == "ask-discard":
        return Done(asked=rosterbar.asks_discard(shown))
    broken = views.drafting.violations(shown.draft)
    names = {a.agent_id: a.name for a in views.agents()}
    return Done(asked=rosterbar.asks_publish(shown, broken, names))


def _edited(views: Views, what: str, asked: Asked, actor: str) -> Edited:
    drafting, draft_id, revision = views.drafting, asked.draft, asked.revision
    if what == "undo":
        return drafting.undo(draft_id, revision=revision, actor=actor)
    if what == "redo":
        return drafting.redo(draft_id, revision=revision, actor=actor)
    if what == "repair" and asked.cell is not None:
        return drafting.repair(
            draft_id,
            Absent(asked.cell.agent_id, asked.cell.day, asked.last or asked.cell.day),
            revision=revision,
            actor=actor,
            reason=asked.reasons.get("absence", ""),
        )
    if what == "save" and asked.edit is not None:
        return drafting.edit(
            draft_id,
            asked.edit,
            revision=revision,
            actor=actor,
            reason=asked.reasons.get("edit", ""),
        )
    raise RequestError("choose a cell and what to do with it first")


def saved_words(what: str, edited: Edited) -> str:
    """What was done, with what it did to coverage and rules."""
    judged = edited.judgement
    days = f"{words.counted(len(edited.changes), 'day')} changed"
    short = f"{judged.short_hours_before:.1f} → {judged.short_hours_after:.1f} agent-hours short"
    rules = f" {rosterbar.broken_words(len(judged.broken))}." if judged.broken else ""
    return f"{DONE[what]} {days}; {short} where it changed.{rules}"


def act(
    views: Views,
    *,
    presses: Any,
    draft_id: int | None,
    revision: int | None,
    cell: dict[str, str] | None,
    edit: dict[str, Any] | None,
    reasons: list[Any],
    days: list[Any],
) -> dict[str, Any]:
    """Do what the pressed button says; how the page shows it."""
    del presses
    trigger = ctx.triggered_id
    if not trigger or not ctx.triggered[0]["value"]:
        return dict.fromkeys(OUTPUTS, no_update)
    del reasons, days
    written = _fields(ctx.args_grouping["reasons"])
    last = _fields(ctx.args_grouping["days"]).get("last")
    asked = Asked(
        draft_id,
        revision or 0,
        Cell.from_document(cell),
        edit_from(edit) if edit else None,
        {name: text.strip() for name, text in written.items()},
        date.fromisoformat(last) if last else None,
    )
    return answered(views, str(trigger["do"]), asked)


def _fields(found: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What stands in fields, by what they are for."""
    return {field["id"]["of"]: str(field["value"] or "") for field in found}


OUTPUTS = ("said", "asked", "revision", "search", "job", "quiet", "edit", "judged", "picks")


def answered(views: Views, what: str, asked: Asked) -> dict[str, Any]:
    """`do`, as the page shows it; an error stands where it is said."""
    none = dict.fromkeys(OUTPUTS, no_update)
    try:
        done = do(views, what, asked, callers.planner())
    except LostEdit as error:
        newest = views.drafting.draft(asked.draft).revision
        return {**none, "said": layout.failure(error.message), "revision": newest}
    except WfmError as error:
        return {**none, "said": layout.failure(error.message)}
    cleared = {"edit": None, "judged": "", "picks": ""} if done.cleared else {}
    return {
        **none,
        **cleared,
        "said": no_update if done.said is None else html.Span(done.said),
        "asked": done.asked,
        "revision": no_update if done.revision is None else done.revision,
        "search": no_update if done.search is None else done.search,
        "job": done.job or no_update,
        "quiet": False if done.job else no_update,
    }


def register(app: Dash, views: Views) -> None:
    app.callback(
        output={
            "said": Output("roster-said", "children"),
            "asked": Output("roster-asked", "children"),
            "revision": Output("roster-revision", "data", allow_duplicate=True),
            "search": Output("location", "search", allow_duplicate=True),
            "job": Output("roster-job", "data", allow_duplicate=True),
            "quiet": Output("roster-poll", "disabled", allow_duplicate=True),
            "edit": Output("roster-edit", "data", allow_duplicate=True),
            "judged": Output("roster-judged", "children", allow_duplicate=True),
            "picks": Output("roster-picks", "children", allow_duplicate=True),
        },
        inputs={
            "presses": Input({"type": "roster-do", "do": ALL}, "n_clicks"),
            "draft_id": State("roster-draft", "data"),
            "revision": State("roster-revision", "data"),
            "cell": State("roster-cell", "data"),
            "edit": State("roster-edit", "data"),
            "reasons": State({"type": "roster-reason", "of": ALL}, "value"),
            "days": State({"type": "roster-absent", "of": ALL}, "value"),
        },
        prevent_initial_call=True,
    )(off_loop(act, views))
