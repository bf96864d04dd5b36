"""The grid of the roster: agents by days, a shift's times and its kind in each cell."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import dash_ag_grid as dag
from dash import html

from api.console import layout, shiftgrid, spans, words
from api.console.drafting import Shown
from wfm.brands import Brand
from wfm.people import Agent
from wfm.timegrid import local_day

ANY = "any"
MARKS = {"pinned": "Pinned", "changed": "Changed in this draft"}


def skill_options(brand: Brand) -> list[dict[str, str]]:
    return [
        {"label": "Any skill", "value": ANY},
        *({"label": text, "value": name} for name, text in layout.queue_labels(brand).items()),
    ]


def contract_options(brand: Brand) -> list[dict[str, str]]:
    return [
        {"label": "Any contract", "value": ANY},
        *({"label": c.name.replace("_", " "), "value": c.name} for c in brand.contracts),
    ]


def legend(*, editable: bool) -> html.Ul:
    """What the colours of the cells mean, and in a draft their marks."""
    kinds = [(f"shift-{kind}", text) for kind, text in shiftgrid.KINDS.items()]
    marks = [(f"mark-{mark}", text) for mark, text in MARKS.items()] if editable else []
    return html.Ul(
        [html.Li([html.Span(className=f"swatch {name}"), text]) for name, text in (*kinds, *marks)],
        className="legend",
    )


def rows_of(
    shown: Shown,
    brand: Brand,
    agents: Sequence[Agent],
    *,
    changed: Collection[tuple[str, date]] = (),
) -> list[dict[str, Any]]:
    """The grid's rows, see `shiftgrid.grid_rows`; `changed` are agent-days that bear a mark."""
    days = spans.plan_days(shown.start, shown.end, brand.tz)
    labels = layout.queue_labels(brand)
    rows = shiftgrid.grid_rows(shown.roster, agents, brand.activities, days=days, zone=brand.tz)
    for row in rows:
        row["skills"] = ", ".join(labels.get(q, q) for q in row["skills"])
        row["contract"] = row["contract"].replace("_", " ")
    by_agent = {row["agent_id"]: row for row in rows}
    for agent_id, day in changed:
        if agent_id in by_agent:
            by_agent[agent_id][f"{day.isoformat()}_changed"] = True
    return rows


def grid(rows: list[dict[str, Any]], days: Sequence[date], weekend: Collection[int]) -> dag.AgGrid:
    """The agents by days; the agent's columns stay in view.

    weekend  weekdays whose headers are set apart, 0 is Monday
    """
    field = "params.data[params.colDef.field + "
    rules = {f"shift-{kind}": f"{field}'_kind'] == '{kind}'" for kind in shiftgrid.KINDS}
    rules |= {f"mark-{mark}": f"{field}'_{mark}'] === true" for mark in MARKS}
    fixed: list[dict[str, Any]] = [
        {"field": "agent", "headerName": "Agent", "pinned": "left", "width": 136, "sortable": True},
        {
            "field": "hours",
            "headerName": "Paid h",
            "headerTooltip": "Paid hours over the whole plan",
            "pinned": "left",
            "width": 72,
            "type": "rightAligned",
            "sortable": True,
        },
        {"field": "contract", "headerName": "Contract", "width": 98, "sortable": True},
    ]
    dated: list[dict[str, Any]] = [
        {
            "field": day.isoformat(),
            "headerName": words.day_name(day),
            "width": 106,
            "sortable": False,
            "cellClassRules": rules,
            "headerClass": "weekend" if day.weekday() in weekend else "",
        }
        for day in days
    ]
    return dag.AgGrid(
        id="roster-grid",
        rowData=rows,
        columnDefs=[*fixed, *dated],
        getRowId="params.data.agent_id",
        defaultColDef={"resizable": True, "suppressMovable": True, "cellClass": "shift"},
        dashGridOptions={
            "rowHeight": 32,
            "headerHeight": 36,
            "suppressColumnVirtualisation": False,
            "tooltipShowDelay": 300,
            "loadThemeGoogleFonts": False,
            "ensureDomOrder": True,
        },
        eventListeners={"cellKeyDown": ["openCell(params, setEventData)"]},
        className="roster-grid",
        style={"height": "520px", "width": "100%"},
    )


def chosen_agents(
    agents: Sequence[Agent], shown: Shown, brand: Brand, *, skill: str, contract: str
) -> list[dict[str, Any]]:
    """The grid's rows under the filters; without any, agents who left keep theirs."""
    rows = rows_of(shown, brand, agents, changed=shown.changed)
    if skill == ANY and contract == ANY:
        return rows
    first = local_day(shown.start, brand.tz)
    chosen = {
        a.agent_id
        for a in agents
        if (skill == ANY or skill in {s.queue for s in a.skills})
        and (contract == ANY or a.contract_on(first) == contract)
    }
    return [row for row in rows if row["agent_id"] in chosen]
