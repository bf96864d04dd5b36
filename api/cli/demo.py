"""`wfm demo`: the sample brand from files to a published, certified roster on screen."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import api
from api.cli.shell import SeedOption, actor, out, settings, watched
from wfm.errors import Conflict, NotFound, SetupError
from wfm.progress import Progress, part
from wfm.timegrid import INTERVAL, SystemClock, format_instant

if TYPE_CHECKING:
    from api.planning.records import StoredPlan
    from wfm.settings import Settings
    from wfm.store.engine import Store

app = typer.Typer()

WEEKS = 4

# Forecasts that would have been made so many weeks ago, for so many weeks, oldest first.
PAST_STARTS = (3, 2, 1)
PAST_WEEKS = 2


def sample_folder() -> Path:
    """Folder of the sample brand's files, in a checkout and in a wheel."""
    root = Path(next(iter(api.__path__)))
    for folder in (root.parent / "data" / "sample", root / "sample"):
        if (folder / "brand.toml").is_file():
            return folder
    raise SetupError("the sample brand's files are missing; run from a complete checkout")


@app.command()
def demo(
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the console when the plan is ready.")
    ] = True,
    host: Annotated[str, typer.Option("--host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8000,
    seed: SeedOption = 1,
) -> None:
    """Import the sample brand, plan four weeks, publish, show the outcome and serve it.

    Forecasts of the last weeks are made too, so that there are some to compare with what came.

    A second run finds everything in place, changes nothing and is quick.
    """
    from wfm.store.engine import open_store

    chosen = settings()
    if serve:
        from api.service import listening

        # A port in use is told now, not after a minute of planning.
        with listening(host, port):
            pass
    store = open_store(chosen.store_url, clock=chosen.clock())
    try:
        store = prepare(store, chosen, seed)
        show(store)
        if serve:
            from api.cli.serve import tell_link
            from api.service import serve as serve_store

            serve_store(store, chosen, host, port, tell_link)
    finally:
        store.close()


def prepare(store: Store, chosen: Settings, seed: int) -> Store:
    """Bring the sample brand and a published plan into the store, whatever of it is missing.

    Gives the store with the demo's clock. Conflict when the store holds another brand.
    """
    folder = sample_folder()
    check_brand(store, folder)
    with watched("Preparing the sample brand") as progress:
        ends = bring_sample(store, folder, part(progress, 0.0, 0.1))
        store = set_clock(store, chosen, ends)
        if not is_planned(store):
            look_back(store, seed, ends, part(progress, 0.1, 0.2))
            plan_and_publish(store, chosen, seed, ends, part(progress, 0.2, 1.0))
    return store


def check_brand(store: Store, folder: Path) -> None:
    """Conflict when the store holds another brand than the sample."""
    from wfm.ingest.brandfile import read_brand
    from wfm.store.brands import load_brand

    with store.reading() as connection:
        try:
            held = load_brand(connection)
        except NotFound:
            return
    sample = read_brand(folder / "brand.toml")
    if held.name != sample.name:
        raise Conflict(
            f"this store holds the brand {held.name!r}; the demo needs a store of its own. "
            "Set WFM_HOME to an empty folder, e.g. WFM_HOME=.wfm-demo wfm demo"
        )


def bring_sample(store: Store, folder: Path, progress: Progress) -> datetime:
    """Import the sample's files that are not in the store yet; gives the end of the history."""
    from wfm.ingest.agents import import_agents
    from wfm.ingest.brandfile import import_brand
    from wfm.ingest.campaigns import import_campaigns
    from wfm.ingest.volumes import import_volumes
    from wfm.store.volumes import last_interval

    who = actor()
    import_brand(store, folder / "brand.toml", actor=who)
    import_agents(store, folder / "agents.csv", actor=who)
    import_campaigns(store, folder / "campaigns.csv", actor=who)
    files = sorted(folder.glob("volumes*"))
    import_volumes(store, files, actor=who, progress=progress)
    with store.reading() as connection:
        last = last_interval(connection)
    if last is None:
        raise SetupError(f"the sample's volumes in {folder} are empty")
    return last + INTERVAL


def set_clock(store: Store, chosen: Settings, ends: datetime) -> Store:
    """Let the store's own clock start at the end of the history, once, for all processes.

    It runs on from there; when it has run past the published roster it starts again.
    """
    from wfm.store.engine import open_store, set_stored_clock, stored_clock

    held = stored_clock(store.engine)
    over = False
    if held is not None:
        try:
            over = held.now() >= current(store).end
        except NotFound:
            over = False
    if held is None or over:
        with store.writing(actor()) as writing:
            set_stored_clock(writing, SystemClock.starting_at(ends))
    store.close()
    return open_store(chosen.store_url, clock=chosen.clock())


def current(store: Store) -> StoredPlan:
    from api.planning.records import load_plan

    return load_plan(store, "current")


def is_planned(store: Store) -> bool:
    try:
        current(store)
    except NotFound:
        return False
    return True


def look_back(store: Store, seed: int, ends: datetime, progress: Progress) -> None:
    """Make the forecasts of the last weeks that are not there yet, and score them on what came.

    Each is made from the volumes before its own first day only. That they were made afterwards is
    told wherever they are shown.
    """
    from api.planning import forecasts
    from forecasting.scoring.champion import DEFAULT
    from wfm.store.brands import load_brand
    from wfm.timegrid import local_day

    with store.reading() as connection:
        zone = load_brand(connection).tz
    today = local_day(ends, zone)
    held = {local_day(one.start, zone) for one in forecasts.listing(store)}
    for done, weeks in enumerate(PAST_STARTS):
        start = today - timedelta(weeks=weeks)
        if start not in held:
            request = forecasts.ForecastRequest(start, PAST_WEEKS, seed=seed, models=(DEFAULT,))
            share = 0.9 / len(PAST_STARTS)
            own = part(progress, done * share, (done + 1) * share)
            forecasts.make(store, request, actor(), own)
    forecasts.score_due(store, part(progress, 0.9, 1.0))


def plan_and_publish(
    store: Store, chosen: Settings, seed: int, ends: datetime, progress: Progress
) -> None:
    """Plan four weeks from the end of the history and publish them, as a job."""
    from api.jobs import run_job
    from api.planning.records import PlanRequest
    from wfm.store.brands import load_brand

    with store.reading() as connection:
        zone = load_brand(connection).tz
    request = PlanRequest(start=ends.astimezone(zone).date(), weeks=WEEKS, seed=seed, publish=True)
    run_job(store, chosen, "plan", request.to_document(), actor(), progress)


def show(store: Store) -> None:
    """The outcome on one screen."""
    from api.cli.picture import plan_screen

    plan = current(store)
    out.print(
        f"The demo's clock shows {format_instant(store.clock.now())}; the brand and all its "
        "contacts are synthetic.\n"
    )
    for line in plan_screen(store, plan):
        out.print(line, markup=False)
