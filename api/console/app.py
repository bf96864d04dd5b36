"""The console on the service's own app: Dash under /console/, nothing fetched from elsewhere.

Who may see it is decided outside, by the app's middleware.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dash import Dash, Input, Output, html, set_props
from dash.backends._fastapi import (
    FastAPIDashServer,
    reset_current_request,
    set_current_request,
)
from fastapi import FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console import layout
from api.console.loop import off_loop
from api.console.pages import forecast, plan, queue, requirement, roster, whatif
from api.console.views import PlanView, Views
from wfm.brands import Brand
from wfm.errors import WfmError
from wfm.store.engine import Store

log = logging.getLogger(__name__)

TITLE = "Workforce console"
INDEX = """<!DOCTYPE html>
<html lang="en">
  <head>
    {%metas%}
    <title>{%title%}</title>
    {%favicon%}
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <footer>
      {%config%}
      {%scripts%}
      {%renderer%}
    </footer>
  </body>
</html>
"""

# Pages that show a plan, and of these the ones that read the rest of the address.
SHOWS: dict[layout.Page, Callable[[Views, Brand, PlanView], Any]] = {
    layout.PLAN: plan.page,
    layout.REQUIREMENT: requirement.page,
}
READS_ADDRESS: dict[layout.Page, Callable[[Views, Brand, PlanView, str | None], Any]] = {
    layout.ROSTER: roster.page,
    layout.WHAT_IF: whatif.page,
}


class ConsoleServer(FastAPIDashServer):
    """Dash's FastAPI backend without what a guest in another's app must not do."""

    # No callback streams, so the browser need not hold a socket open.
    websocket_capability = False

    def setup_backend(self, dash_app: Dash) -> None:
        """Dash's middleware reads the body of a callback: it stands behind the app's own doors."""
        super().setup_backend(dash_app)
        self.server.user_middleware.append(self.server.user_middleware.pop(0))

    def enable_compression(self) -> None:
        """Compress what is sent, at a level that does not hold up the event loop."""
        self.server.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=4)

    def _setup_catchall(self) -> None:
        """Leave addresses that nobody serves to the app: Dash would answer 200 to each."""


def attach_console(app: FastAPI, store: Store) -> None:
    """Serve the console of `store` under /console/ of `app`.

    Call it before a last route that answers 404 to everything else: the pages' addresses are
    routes of their own.
    """
    attach(app, Views(store, app.state.jobs))


def attach(app: FastAPI, views: Views) -> Dash:
    """Serve a console that reads through `views`."""
    dash = Dash(
        "api.console",
        server=False,
        backend=ConsoleServer,
        routes_pathname_prefix=layout.PREFIX,
        requests_pathname_prefix=layout.PREFIX,
        assets_folder=str(Path(__file__).parent / "assets"),
        serve_locally=True,
        compress=True,
        index_string=INDEX,
        title=TITLE,
        update_title="",
        suppress_callback_exceptions=True,
        add_log_handler=False,
        enable_mcp=False,
        on_error=tell,
    )
    dash.layout = layout.shell()
    dash.init_app(app)
    _route_pages(app, dash)
    register(dash, views)
    for part in (plan, forecast, requirement, roster, whatif, queue):
        part.register(dash, views)
    # Dash would look for its assets at the first request to its own address, and a page opened by
    # another one before that would have no styles.
    dash._setup_server()  # type: ignore[no-untyped-call]
    return dash


def tell(error: Exception) -> None:
    """Show a callback's error above the page: a user's in its own words, ours as ours, logged."""
    if isinstance(error, WfmError):
        message = error.message
    else:
        log.error("a callback of the console failed", exc_info=error)
        message = "Something went wrong on our side; the service's log has the details."
    set_props("problem", {"children": layout.failure(message)})


def _route_pages(app: FastAPI, dash: Dash) -> None:
    """Addresses of the pages beside the first, which Dash itself serves."""

    def index(request: Request) -> HTMLResponse:
        # Dash reads the request from a context that its middleware sets for its own routes only.
        token = set_current_request(request)  # type: ignore[no-untyped-call]
        try:
            return HTMLResponse(dash.index())  # type: ignore[no-untyped-call]
        finally:
            reset_current_request(token)  # type: ignore[no-untyped-call]

    for page in layout.PAGES:
        if page.path:
            app.add_api_route(page.href, index, include_in_schema=False)
    app.add_api_route(
        layout.PREFIX.rstrip("/"),
        lambda: RedirectResponse(layout.PREFIX, status_code=308),
        include_in_schema=False,
    )


def _content(page: layout.Page, views: Views, brand: Brand | None, search: str | None) -> Any:
    """The page, or how to get what it needs before it can show anything."""
    if brand is None:
        return layout.no_brand()
    if page is layout.FORECAST:
        return forecast.page(views, brand)
    if page is layout.QUEUE:
        return queue.page(views, brand, search)
    plan = views.plan()
    if plan is None:
        return layout.no_plan()
    if page in READS_ADDRESS:
        return READS_ADDRESS[page](views, brand, plan, search)
    return SHOWS[page](views, brand, plan)


def show(
    views: Views, pathname: str | None, search: str | None = None
) -> tuple[Any, Any, Any, Any, str, None]:
    """What the frame holds at an address: page, navigation, brand, zone, title; and no problem."""
    page = layout.page_at(pathname)
    brand = views.brand()
    if page is None:
        content: Any = layout.empty(
            "No such page",
            "The console has these pages: " + ", ".join(p.name for p in layout.PAGES) + ".",
        )
    else:
        try:
            content = _content(page, views, brand, search)
        except WfmError as error:
            content = layout.failure(error.message)
    name = page.name if page else "No such page"
    return (
        content,
        layout.navigation(page),
        layout.brand_title(brand),
        layout.zone_note(brand),
        f"{name} · {brand.name}" if brand else name,
        None,
    )


def clock(views: Views, _ticks: int | None) -> html.Div | None:
    """The notice that the clock is set, as it shows now."""
    return layout.clock_notice(views.now(), views.brand())


def register(dash: Dash, views: Views) -> None:
    dash.callback(
        Output("page", "children"),
        Output("navigation", "children"),
        Output("brand", "children"),
        Output("zone", "children"),
        Output("title", "data"),
        Output("problem", "children"),
        Input("location", "pathname"),
        Input("location", "search"),
    )(off_loop(show, views))
    dash.callback(Output("clock", "children"), Input("tick", "n_intervals"))(off_loop(clock, views))
    dash.clientside_callback(  # type: ignore[no-untyped-call]
        "function (title) { document.title = title || document.title; return ''; }",
        Output("titled", "children"),
        Input("title", "data"),
    )
