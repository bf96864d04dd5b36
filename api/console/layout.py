"""The pieces that all pages are built of: the frame around them, cards, figures, empty states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html

from api.console import words
from api.console.charts import look
from api.console.pages import today
from api.console.spans import plan_days
from api.console.views import Now, PlanView
from wfm.brands import Brand, Queue

PREFIX = "/console/"
ALL_QUEUES = "all"  # the choice, since an empty value means that nothing is chosen
GONE = "There is no plan any more; load the page again."


@dataclass(frozen=True)
class Page:
    """A page's address below the prefix and its name in the navigation."""

    path: str
    name: str

    @property
    def href(self) -> str:
        return PREFIX + self.path


PLAN = Page("", "Plan")
FORECAST = Page("forecast", "Forecast")
REQUIREMENT = Page("requirement", "Requirement")
ROSTER = Page("roster", "Roster")
WHAT_IF = Page("whatif", "What-if")
QUEUE = Page("queue", "Queue")
PAGES = (PLAN, FORECAST, REQUIREMENT, ROSTER, WHAT_IF, QUEUE)


def page_at(pathname: str | None) -> Page | None:
    """The page at a browser's path, with or without a trailing slash."""
    path = (pathname or PREFIX).rstrip("/") + "/"
    return next((p for p in PAGES if path == p.href.rstrip("/") + "/"), None)


def shell() -> html.Div:
    """The frame around every page: skip link, navigation, the strip Today, clock notice, main."""
    return html.Div(
        [
            html.A("Skip to the content", href="#main", className="skip"),
            dcc.Location(id="location", refresh=False),
            dcc.Interval(id="tick", interval=20_000),
            html.Header(
                [
                    html.Div(id="brand", className="brand"),
                    html.Nav(id="navigation", **named("Pages")),
                    html.Div(id="zone", className="zone"),
                ],
                className="top",
            ),
            today.line(QUEUE.href),
            html.Div(id="clock", role="status"),
            html.Main([html.Div(id="problem"), html.Div(id="page")], id="main", tabIndex=-1),
            dcc.Store(id="title"),
            html.Div(id="titled", hidden=True),
        ],
        className="shell",
    )


def navigation(current: Page | None) -> list[dcc.Link]:
    return [
        dcc.Link(
            page.name,
            href=page.href,
            id=f"go-{page.path or 'plan'}",
            className="here" if page is current else "",
        )
        for page in PAGES
    ]


HIDDEN: dict[str, Any] = {"aria-hidden": "true"}


def named(label: str) -> dict[str, Any]:
    """A name for those who cannot see."""
    return {"aria-label": label}


def data(**values: Any) -> dict[str, Any]:
    """Values for the page's scripts, as `data-` attributes.

    >>> data(case="12")
    {'data-case': '12'}
    """
    return {f"data-{name}": value for name, value in values.items()}


def brand_title(brand: Brand | None) -> list[Any]:
    name = brand.name if brand else "No brand yet"
    return [html.Span("", className="mark", **HIDDEN), html.Span(name)]


def zone_note(brand: Brand | None) -> list[Any]:
    if brand is None:
        return []
    return ["Times in ", html.Strong(brand.zone.replace("_", " "))]


def clock_notice(now: Now, brand: Brand | None) -> html.Div | None:
    """The sentence that the clock is set; None when it shows the machine's own time."""
    if not now.is_set:
        return None
    local = now.instant.astimezone(brand.tz) if brand else now.instant
    return html.Div(
        ["The clock shows ", html.Strong(f"{local:%Y-%m-%d %H:%M}"), " (demo)"],
        className="clock",
    )


def heading(title: str, note: Any, controls: Sequence[Any] = ()) -> html.Div:
    return html.Div(
        [
            html.Div([html.H1(title), html.P(note, className="note")]),
            html.Div(list(controls), className="controls"),
        ],
        className="heading",
    )


def field(label: str, control: Any, *, wide: bool = False) -> html.Div:
    """A labelled control."""
    own = {"htmlFor": control.id} if not isinstance(control, dcc.RadioItems) else {}
    return html.Div(
        [html.Label(label, **own), control], className="field wide" if wide else "field"
    )


def select(id_: str, options: Sequence[Any], value: Any, *, multi: bool = False) -> dcc.Dropdown:
    """A choice among options."""
    return dcc.Dropdown(
        id=id_,
        options=list(options),
        value=value,
        multi=multi,
        clearable=False,
        searchable=False,
        maxHeight=320,
    )


def card(
    title: str | None, *children: Any, note: Any = None, className: str = "", **more: Any
) -> html.Section:
    head: list[Any] = [html.H2(title)] if title else []
    if note is not None:  # an empty component is false
        head.append(html.P(note, className="note"))
    return html.Section([*head, *children], className=f"card {className}".strip(), **more)


def tile(label: str, value: str, note: str = "", tone: str = "") -> html.Div:
    """One figure with its name; `tone` is good, bad or empty."""
    return html.Div(
        [
            html.Div(label, className="label"),
            html.Div(value, className="value"),
            html.Div(note, className="under"),
        ],
        className=f"tile {tone}".strip(),
    )


def graph(id_: str, label: str, figure: Any = None, *, height: int | None = None) -> html.Div:
    """A chart with a name for those who cannot see it.

    height  pixels that it keeps when the window changes its size; the figure's own without
    """
    return html.Div(
        dcc.Graph(
            id=id_,
            figure=figure or look.nothing(""),
            config=look.CONFIG,
            style={} if height is None else {"height": f"{height}px"},
        ),
        role="figure",
        className="chart",
        **named(label),
    )


def empty(title: str, sentence: Any, *commands: str) -> html.Section:
    """Why there is nothing to see, and the commands that change it."""
    return html.Section(
        [
            html.H2(title),
            html.P(sentence),
            *(html.Pre(command, className="command") for command in commands),
        ],
        className="card empty",
    )


def no_brand() -> html.Section:
    return empty(
        "No brand yet",
        "A brand tells who we are: queues, goals, contracts and shifts. Import one, "
        "or try the sample brand.",
        "wfm import brand FILE.toml",
        "wfm demo",
    )


def no_plan() -> html.Section:
    return empty(
        "No plan yet",
        "Nothing has been planned. Import volumes and agents, then plan the weeks to come and "
        "publish what you like.",
        "wfm plan --from DATE --weeks 4",
        "wfm publish latest",
    )


def failure(message: str) -> html.Div:
    """An error in the words it was raised with."""
    return html.Div(
        [html.Strong("That did not work: "), message], className="failure", role="alert"
    )


def plan_note(plan: PlanView, brand: Brand) -> list[Any]:
    """Which plan this is and how far it may be trusted to be in force."""
    days = plan_days(plan.start, plan.end, brand.tz)
    span = words.day_span(days[0], days[-1])
    if plan.state == "published":
        return [span, badge(f"published, version {plan.version}", "good")]
    return [
        span,
        badge(f"draft, plan {plan.plan_id}", "warn"),
        " Nothing is published yet; this is the newest draft. Publish it with ",
        html.Code(f"wfm publish {plan.plan_id}"),
    ]


def badge(text: str, tone: str) -> html.Span:
    return html.Span(text, className=f"badge {tone}")


def queue_label(queue: Queue) -> str:
    """The queue's name as people say it, with its channel where the name does not tell it."""
    channel = words.CHANNELS.get(queue.channel, queue.channel)
    if queue.name.lower() == queue.channel or queue.name.lower() == channel.lower():
        return channel
    return queue.name


def queue_labels(brand: Brand) -> dict[str, str]:
    return {queue.name: queue_label(queue) for queue in brand.queues}


def queue_options(brand: Brand) -> list[dict[str, str]]:
    """Choices of a queue, all of them together first."""
    return [
        {"label": "All queues", "value": ALL_QUEUES},
        *({"label": label, "value": name} for name, label in queue_labels(brand).items()),
    ]
