"""The brand file: TOML in, `Brand` out, every fault at once. Its format: docs/formats.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from wfm.brands import RISKS, Brand, Planning, Risk
from wfm.casequeue.newpromises import policy_changed
from wfm.errors import Conflict
from wfm.ingest.brandcare import read_care
from wfm.ingest.brandcontracts import read_contracts
from wfm.ingest.brandqueues import read_markets, read_queues
from wfm.ingest.brandshifts import read_activities, read_templates
from wfm.ingest.brandsite import read_presence, read_site
from wfm.ingest.faults import Faults
from wfm.ingest.report import ImportReport
from wfm.ingest.rulesets import read_rulesets, shipped_rulesets
from wfm.ingest.tomltable import TomlTable, read_toml
from wfm.progress import Progress, silent
from wfm.sla import goal_doubts
from wfm.store.brands import find_brand, save_brand
from wfm.store.campaigns import load_campaigns
from wfm.store.engine import Store
from wfm.store.people import load_agents

if TYPE_CHECKING:
    from sqlalchemy import Connection

FORMAT = 1

# Names listed in a message before "and ... more".
NAMED = 3


def read_brand(path: Path) -> Brand:
    """The brand a file describes; FileFaults with all that is wrong with it."""
    faults = Faults(path.name)
    top = read_toml(path, faults)
    if top.whole("format", low=0) != FORMAT and "format" in top:
        top.fault("format", f"this program reads format {FORMAT}", top.raw("format"))
    site = read_site(top.table("site"))
    planning = _planning(top.table("planning"))
    markets, hours = read_markets(top)
    activities = read_activities(top)
    templates, faulty = read_templates(top, activities)
    rulesets = read_rulesets(top)
    contracts = read_contracts(top, templates, faulty, activities, rulesets)
    queues = read_queues(top, site.zone, markets, hours)
    presence = read_presence(top, site.zone, markets, hours)
    care = read_care(top, site.zone, markets, hours, queues)
    top.done()
    faults.stop()
    return Brand(
        site.name,
        site.zone,
        markets,
        queues,
        contracts,
        templates,
        activities,
        planning,
        weekend=site.weekend,
        night=site.night,
        presence=presence,
        rulesets=tuple(r for name, r in rulesets.items() if name not in shipped_rulesets()),
        care=care,
    )


def import_brand(
    store: Store, path: Path, *, actor: str, progress: Progress = silent
) -> ImportReport:
    """Read a brand file into the store; the same brand again updates it.

    Where it promises something else, what is open already is promised it from now on.

    Raises FileFaults, or Conflict when the store holds a brand of another name, or agents,
    campaigns or open cases that name what the brand no longer has.
    """
    progress(0.0, f"reading {path.name}")
    brand = read_brand(path)
    with store.writing(actor) as writing:
        held = find_brand(writing.connection)
        save_brand(writing, brand)
        _check_people(brand, writing.connection)
        if held is not None:
            policy_changed(writing, held, brand)
    progress(1.0, f"{brand.name} is in the store")
    return ImportReport(
        kind="brand",
        files=(path.name,),
        unit="brands",
        rows_read=1,
        written=int(held is None),
        unchanged=int(held == brand),
        replaced=int(held is not None and held != brand),
        notes=(
            f"{brand.name}: {len(brand.queues)} queues, {len(brand.contracts)} contracts, "
            f"{len(brand.templates)} shift templates.",
            *_goal_notes(brand),
        ),
    )


def _goal_notes(brand: Brand) -> list[str]:
    """What is odd about the queues' goals; they are kept as they stand."""
    return [
        f"Queue {queue.name}: {doubt}."
        for queue in brand.queues
        for doubt in goal_doubts(queue.goals, queue.opening_goal, shuts=not queue.window.is_always)
    ]


def _check_people(brand: Brand, connection: Connection) -> None:
    """Conflict when stored agents or campaigns name what the brand does not have."""
    queues = {queue.name for queue in brand.queues}
    contracts = {contract.name for contract in brand.contracts}
    templates = {template.name for template in brand.templates}
    left: dict[str, list[str]] = {}
    for agent in load_agents(connection):
        skills = {skill.queue for skill in agent.skills}
        wishes = {p.value for p in agent.preferences if p.kind != "day_off"}
        for kind, named, known in (
            ("queue", skills, queues),
            ("contract", {term.contract for term in agent.terms}, contracts),
            ("shift template", wishes, templates),
        ):
            for name in sorted(named - known):
                left.setdefault(f"{kind} {name!r}", []).append(f"agent {agent.agent_id}")
    for campaign in load_campaigns(connection):
        for name in sorted(set(campaign.queues) - queues):
            left.setdefault(f"queue {name!r}", []).append(f"campaign {campaign.name!r}")
    if left:
        uses = [
            f"{what} is named by {', '.join(who[:NAMED])}"
            + (f" and {len(who) - NAMED} more" if len(who) > NAMED else "")
            for what, who in left.items()
        ]
        raise Conflict(
            f"the file drops what the store still uses: {'; '.join(uses)}; keep it, or "
            "import agents and campaigns without it first (--replace)",
            dropped=sorted(left),
        )


def _planning(table: TomlTable) -> Planning:
    default = Planning()
    planning = Planning(
        table.number("planned_shrinkage", default.planned_shrinkage, high=1, below=True),
        table.number("unplanned_shrinkage", default.unplanned_shrinkage, high=1, below=True),
        table.number("occupancy_cap", default.occupancy_cap, above=True, high=1),
        table.number("risk_quantile", default.risk_quantile, low=0.5, high=0.975),
        cast(Risk, table.choice("risk", RISKS, default.risk)),
    )
    table.done()
    return planning
