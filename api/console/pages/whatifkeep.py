"""Keeping scenarios on the page What-if: saved, opened by link, archived, rebased, promoted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update

from api.console import callers, layout, whatifform, whatifwords, words
from api.console.loop import off_loop
from api.console.views import Views
from api.console.whatifform import Form, Part
from api.planning.whatif.promoting import Target, left_out
from api.planning.whatif.saved import SavedScenario
from scheduling.whatif.scenario import Scenario
from wfm.brands import Brand
from wfm.errors import Conflict, RequestError, WfmError
from wfm.store.documents import to_document

MOST_COMPARED = 4
MAX_NAME = 200
TONES = {"open": "plain", "promoted": "good", "archived": "plain"}
DRAFTS, CAMPAIGNS = "draft", "campaign"


@dataclass(frozen=True)
class Asked:
    """What is known where a button is pressed.

    saved      id and revision of the scenario that is open, None for one that was never kept
    scenario   what is shown, under its name
    plan_id    the plan that it is about
    """

    saved: tuple[int, int] | None
    scenario: Scenario
    plan_id: int

    @property
    def open(self) -> tuple[int, int]:
        if self.saved is None:
            raise RequestError("save the scenario first")
        return self.saved


@dataclass(frozen=True)
class Done:
    """What came of it.

    said      in words
    revision  of the open scenario now; None where it is as it was
    search    the address that the browser goes to; None: it stays
    """

    said: Any
    revision: int | None = None
    search: str | None = None


def scenario_in(search: str | None) -> int | None:
    """The scenario that the browser's address names; RequestError where it is none.

    >>> scenario_in("?scenario=3"), scenario_in("")
    (3, None)
    """
    named = parse_qs((search or "").removeprefix("?")).get("scenario")
    if not named:
        return None
    if not named[-1].isdecimal() or len(named[-1]) > 9:
        raise RequestError(f"{named[-1][:40]!r} is no scenario's number; write ?scenario=3")
    return int(named[-1])


def address(scenario_id: int) -> str:
    return f"?scenario={scenario_id}"


# -- what is shown --------------------------------------------------------------------------------


def bar(saved: SavedScenario | None) -> html.Section:
    """Name and buttons of the scenario that is built or open."""
    opened = saved is not None and saved.state == "open"
    return layout.card(
        "Keep it",
        html.Div(
            [
                layout.field(
                    "Name",
                    dcc.Input(
                        id="whatif-name",
                        type="text",
                        value=saved.name if saved else "",
                        maxLength=MAX_NAME,
                        placeholder="e.g. Viral post on Tuesday evening",
                    ),
                    wide=True,
                ),
                html.Div(
                    [
                        _button("change" if opened else "save", "Save", primary=True),
                        _button("save", "Save as new", hidden=not opened),
                        _button(DRAFTS, "Make it a draft roster", hidden=not opened),
                        _button(CAMPAIGNS, "Make it a campaign", hidden=not opened),
                        _button("archive", "Archive", hidden=not opened),
                    ],
                    className="buttons keep",
                ),
            ],
            className="bar inside",
        ),
        html.Div("", id="whatif-kept", role="status"),
        note="A kept scenario is found below, by its link, and by everyone who may see this page.",
    )


def _button(do: str, text: str, *, hidden: bool = False, primary: bool = False) -> html.Button:
    return html.Button(
        text,
        id={"type": "whatif-do", "do": do, "text": text},
        className="primary" if primary else "plain",
        hidden=hidden,
        n_clicks=0,
    )


def banner(saved: SavedScenario | None, *, superseded: bool) -> Any:
    """What is to know of an open scenario before its answer is read."""
    if saved is None:
        return ""
    if saved.state == "promoted":
        return html.Div(promoted_words(saved), className="card promoted", role="status")
    if not superseded:
        return ""
    return html.Div(
        [
            html.Strong("Another plan is in force. "),
            f"This scenario is about plan {saved.plan_id}, which has been superseded. ",
            _button("rebase", "Take it over to the plan in force"),
        ],
        className="card superseded",
        role="alert",
    )


def promoted_words(saved: SavedScenario) -> list[Any]:
    """Where a promoted scenario went."""
    if saved.draft_id is not None:
        shown = html.A(
            f"draft {saved.draft_id}", href=f"{layout.ROSTER.href}?draft={saved.draft_id}"
        )
        return ["This scenario became ", shown, " of the roster."]
    forecast = html.A("the forecast", href=layout.FORECAST.href)
    return [f"This scenario became the campaign “{saved.campaign}” of ", forecast, "."]


def listing(saved: Sequence[SavedScenario], brand: Brand, open_id: int | None) -> Any:
    """The kept scenarios, each with a link and a box to compare it."""
    if not saved:
        return html.P("None is kept yet.", className="note")
    rows = [
        html.Tr(
            [
                html.Td(_box(one)),
                html.Th(
                    [
                        html.A(one.name, href=layout.WHAT_IF.href + address(one.scenario_id)),
                        layout.badge("shown", "good") if one.scenario_id == open_id else "",
                        html.Span(whatifwords.title_of(one.scenario, brand), className="under"),
                    ],
                    scope="row",
                ),
                html.Td(f"plan {one.plan_id}"),
                html.Td(layout.badge(one.state, TONES[one.state])),
                html.Td(
                    [
                        words.moment(one.written_at, brand.tz),
                        html.Span(one.actor.rpartition(":")[2], className="under"),
                    ]
                ),
            ]
        )
        for one in saved
    ]
    head = ("Compare", "Scenario", "Of", "State", "Changed")
    return html.Table(
        [html.Thead(html.Tr([html.Th(h, scope="col") for h in head])), html.Tbody(rows)],
        className="goals kept",
    )


def _box(saved: SavedScenario) -> dcc.Checklist:
    return dcc.Checklist(
        id={"type": "whatif-pick", "scenario": saved.scenario_id},
        options=[{"label": f"{saved.scenario_id}", "value": saved.scenario_id}],
        value=[],
    )


def list_card(views: Views, brand: Brand, open_id: int | None) -> html.Section:
    return layout.card(
        "Kept scenarios",
        html.Div(
            listing(views.rehearsing.listing(), brand, open_id),
            id="whatif-list",
            className="scroll",
        ),
        html.Div(
            [
                html.Button("Compare", id="whatif-compare", className="plain", n_clicks=0),
                html.Span(f"Tick two to {MOST_COMPARED}.", className="note"),
            ],
            className="buttons",
        ),
    )


# -- what is done ---------------------------------------------------------------------------------


def do(views: Views, what: str, asked: Asked, actor: str) -> Done:
    """Do what the button of that name says, for the actor."""
    rehearsing = views.rehearsing
    done: Done
    match what:
        case "save":
            saved = rehearsing.save(asked.scenario, asked.plan_id, actor)
            done = Done("Saved.", search=address(saved.scenario_id))
        case "change":
            changed = rehearsing.change(asked.open[0], asked.scenario, asked.open[1], actor)
            done = Done("Saved.", revision=changed.revision)
        case "archive":
            rehearsing.archive(*asked.open, actor)
            done = Done("Archived.", search="")
        case "rebase":
            moved = rehearsing.rebase(*asked.open, actor)
            done = Done("Taken over.", search=f"{address(moved.scenario_id)}&r={moved.revision}")
        case _ if what in (DRAFTS, CAMPAIGNS):
            done = _promoted(views, what, asked, actor)
        case _:
            raise RequestError(f"nobody knows what {what!r} does to a scenario")
    return done


def _promoted(views: Views, to: str, asked: Asked, actor: str) -> Done:
    """Promote what is kept; Conflict where something else is shown."""
    scenario_id, revision = asked.open
    kept = views.rehearsing.load(scenario_id).scenario
    if to_document(replace(kept, name="")) != to_document(replace(asked.scenario, name="")):
        raise Conflict("what is shown is not what is kept; save it first")
    if to == DRAFTS:
        draft_id = views.rehearsing.to_draft(scenario_id, revision, actor)
        href = f"{layout.ROSTER.href}?draft={draft_id}"
        draft = html.A(f"draft {draft_id}", href=href)
        return Done(["It is now ", draft, " of the roster.", _not_held(kept, "draft")])
    campaign = views.rehearsing.to_campaign(scenario_id, revision, actor)
    href = layout.FORECAST.href
    said = f"It is now the campaign “{campaign.name}” of "
    forecast = html.A("the next forecast", href=href)
    return Done([said, forecast, ".", _not_held(kept, "campaign")])


def _not_held(scenario: Scenario, to: Target) -> str:
    """What stays with the scenario only, because a draft or a campaign cannot hold it."""
    parts = left_out(scenario, to)
    return f" A {to} cannot hold the rest: {', '.join(parts)}." if parts else ""


OUTPUTS = ("said", "saved", "search", "list")


def act(
    views: Views,
    *,
    presses: list[Any],
    name: str | None,
    saved: dict[str, int] | None,
    controls: dict[str, Any] | None,
    parts: list[Part] | None,
    plan_id: int,
) -> dict[str, Any]:
    """Do what the pressed button says; how the page shows it."""
    del presses
    trigger = ctx.triggered_id
    brand = views.brand()
    none: dict[str, Any] = dict.fromkeys(OUTPUTS, no_update)
    if not trigger or not ctx.triggered[0]["value"] or brand is None:
        return none
    opened = (saved["id"], saved["revision"]) if saved else None
    try:
        form = Form.of(controls or {})
        scenario = whatifform.whole(form, parts or [], brand, (name or "").strip())
    except WfmError as error:
        return {**none, "said": layout.failure(error.message)}
    return answered(views, str(trigger["do"]), Asked(opened, scenario, plan_id))


def answered(views: Views, what: str, asked: Asked) -> dict[str, Any]:
    """`do`, as the page shows it; an error stands where it is said."""
    none = dict.fromkeys(OUTPUTS, no_update)
    brand = views.brand()
    try:
        done = do(views, what, asked, callers.planner())
    except WfmError as error:
        return {**none, "said": layout.failure(error.message)}
    open_id = asked.saved[0] if asked.saved else None
    return {
        "said": html.P(done.said, className="said"),
        "saved": no_update if done.revision is None else {"id": open_id, "revision": done.revision},
        "search": no_update if done.search is None else done.search,
        "list": no_update
        if brand is None or done.search is not None
        else listing(views.rehearsing.listing(), brand, open_id),
    }


def register(app: Dash, views: Views) -> None:
    app.callback(
        output={
            "said": Output("whatif-kept", "children"),
            "saved": Output("whatif-saved", "data"),
            "search": Output("location", "search", allow_duplicate=True),
            "list": Output("whatif-list", "children"),
        },
        inputs={
            "presses": Input({"type": "whatif-do", "do": ALL, "text": ALL}, "n_clicks"),
            "name": State("whatif-name", "value"),
            "saved": State("whatif-saved", "data"),
            "controls": State("whatif-asked", "data"),
            "parts": State("whatif-parts", "data"),
            "plan_id": State("whatif-plan", "data"),
        },
        prevent_initial_call=True,
    )(off_loop(act, views))
