"""What-if: a spike built on the chart, what it does to the roster in force, and what to do."""

from __future__ import annotations

import secrets
from typing import Any

from dash import Dash, dcc, html

from api.console import layout, spans, whatifform
from api.console.pages import (
    whatifanswer,
    whatifbuild,
    whatifcompare,
    whatifkeep,
    whatifrepairs,
)
from api.console.views import PlanView, Views
from api.planning.whatif.saved import SavedScenario
from wfm.brands import Brand
from wfm.timegrid import local_day


def page(views: Views, brand: Brand, plan: PlanView, search: str | None = None) -> Any:
    """The page, with the scenario that the address names."""
    if plan.state != "published":
        return layout.empty(
            "No published roster yet",
            f"A spike is rehearsed on the roster in force. Plan {plan.plan_id} is a draft; "
            "publish it first.",
            f"wfm publish {plan.plan_id}",
        )
    scenario_id = whatifkeep.scenario_in(search)
    compared = whatifcompare.compared_in(search)
    saved = None if scenario_id is None else views.rehearsing.load(scenario_id)
    days = spans.plan_days(plan.start, plan.end, brand.tz)
    form = whatifform.first_form(brand, days, local_day(views.now().instant, brand.tz))
    parts: list[whatifform.Part] = []
    if saved is not None:
        form, parts = whatifform.placed(saved.scenario, brand, form)
    plan_id = plan.plan_id if saved is None else saved.plan_id
    superseded = saved is not None and views.rehearsing.is_superseded(saved.plan_id)
    return html.Div(
        [
            layout.heading("What-if", _note(plan, brand, saved)),
            html.Div(whatifkeep.banner(saved, superseded=superseded)),
            whatifbuild.card(brand, plan, form, parts),
            whatifanswer.card(brand),
            whatifrepairs.card(),
            whatifkeep.bar(saved),
            whatifkeep.list_card(views, brand, scenario_id),
            html.Div(whatifcompare.panel(views, compared), id="whatif-comparison", role="status"),
            dcc.Store(id="whatif-plan", data=plan_id),
            dcc.Store(id="whatif-page", data=secrets.token_hex(8)),
            dcc.Store(id="whatif-saved", data=_opened(saved)),
        ],
        className="page whatif",
    )


def _opened(saved: SavedScenario | None) -> dict[str, int] | None:
    """The open scenario, as the buttons need it."""
    return None if saved is None else {"id": saved.scenario_id, "revision": saved.revision}


def _note(plan: PlanView, brand: Brand, saved: SavedScenario | None) -> list[Any]:
    told = layout.plan_note(plan, brand)
    if saved is None:
        return told
    return [*told, layout.badge(f"scenario {saved.scenario_id}: {saved.name}", "plain")]


def register(app: Dash, views: Views) -> None:
    for part in (whatifbuild, whatifanswer, whatifrepairs, whatifkeep, whatifcompare):
        part.register(app, views)
