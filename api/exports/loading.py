"""Rosters of the store as files: of a plan, of a draft, and what an agent's calendar shows."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from api.exports.contents import Contents
from api.exports.csvfile import csv_of
from api.exports.formats import ENDINGS, MEDIA_TYPES, File, Format
from api.exports.ical import Version, calendar_of, entries_of
from api.exports.xlsx import xlsx_of
from api.planning.drafts import rostered
from api.planning.rostered import Rostered
from scheduling.certificate import GoalResult
from scheduling.check import check_presence, check_roster
from wfm.errors import NotFound
from wfm.store import calendars, drafts
from wfm.store.brands import load_brand
from wfm.store.documents import from_document
from wfm.store.engine import Store
from wfm.store.people import load_agents
from wfm.timegrid import local_day, local_midnight

# How long a calendar that is subscribed to keeps what was worked.
KEPT = timedelta(weeks=8)


def export(store: Store, which: str, kind: Format, agent_id: str | None = None) -> File:
    """The roster of a plan (an id, latest, current) or a draft (draft-5), of all agents or one.

    NotFound without the roster, or for an agent who is neither known nor in it.
    """
    found = rostered(store, which)
    contents = _contents(found, agent_id)
    if kind == "ical":
        content = _calendar(store, found, contents, agent_id)
    else:
        content = csv_of(contents) if kind == "csv" else xlsx_of(contents)
    named = found.name if found.draft_id is not None else f"plan-{found.name}"
    whose = "" if agent_id is None else "-" + re.sub(r"[^A-Za-z0-9_.-]+", "_", agent_id)
    return File(f"roster-{named}{whose}.{ENDINGS[kind]}", MEDIA_TYPES[kind], content)


def contents_of(store: Store, which: str, agent_id: str | None = None) -> Contents:
    """The roster and what belongs to it, of all agents or one; errors of `export`."""
    return _contents(rostered(store, which), agent_id)


def _contents(found: Rostered, agent_id: str | None) -> Contents:
    plan, ground = found.plan, found.ground
    brand, agents, roster = ground.brand, ground.agents, found.roster
    violations = check_roster(
        roster, brand, agents, start=plan.start, end=plan.end, history=ground.past
    )
    lacks = check_presence(
        roster, brand, agents, start=plan.start, end=plan.end, history=ground.past
    )
    goals = () if found.draft_id is not None else plan.certificate_document["goals"]
    whole = Contents(
        title=_title(found),
        brand=brand,
        agents=agents,
        roster=roster,
        start=plan.start,
        end=plan.end,
        violations=violations,
        lacks=lacks,
        goals=tuple(from_document(GoalResult, goal) for goal in goals),
    )
    if agent_id is None:
        return whole
    _check_agent(agent_id, {a.agent_id for a in agents} | set(roster["agent_id"]))
    return replace(
        whole,
        agents=tuple(a for a in agents if a.agent_id == agent_id),
        roster=roster[roster["agent_id"] == agent_id].reset_index(drop=True),
        violations=tuple(v for v in violations if v.agent_id == agent_id),
    )


def _title(found: Rostered) -> str:
    plan = found.plan
    if found.draft_id is not None:
        return f"draft {found.draft_id} of plan {plan.plan_id}, revision {found.revision}"
    version = "" if plan.version is None else f", version {plan.version}"
    return f"plan {plan.plan_id}{version}, {plan.state}"


def _check_agent(agent_id: str, known: set[str]) -> None:
    if agent_id not in known:
        near = get_close_matches(agent_id, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; `wfm import agents` brings them in"
        raise NotFound(f"no agent {agent_id!r}{hint}", agent_id=agent_id)


def _calendar(store: Store, found: Rostered, contents: Contents, agent_id: str | None) -> bytes:
    """The roster as the next of the versions that were published of its days."""
    plan = found.plan
    own = found.draft_id is None and plan.version is not None
    with store.reading() as connection:
        held = calendars.published_rosters(
            connection,
            since=plan.start,
            end=plan.end,
            agent_id=agent_id,
            up_to=plan.version if own else None,
        )
        at = plan.written_at
        if found.draft_id is not None:
            at = drafts.find(connection, found.draft_id).written_at
    versions = [Version(one.roster, one.start, one.end, one.at) for one in held]
    if not own:
        versions.append(Version(contents.roster, plan.start, plan.end, at, draft=True))
    title = f"{contents.brand.name}: {contents.title}"
    if agent_id is not None:
        title = _calendar_title(contents.brand.name, contents.names.get(agent_id, agent_id))
    return calendar_of(
        entries_of(versions, contents.brand), contents.brand, contents.agents, title=title
    )


def agent_calendar(store: Store, agent_id: str) -> bytes:
    """The agent's shifts of all published rosters, from eight weeks ago on, as iCalendar."""
    with store.reading() as connection:
        brand = load_brand(connection)
        agents = tuple(a for a in load_agents(connection) if a.agent_id == agent_id)
        held = calendars.published_rosters(
            connection, since=_kept_since(store.clock.now(), brand.tz), agent_id=agent_id
        )
    versions = [Version(one.roster, one.start, one.end, one.at) for one in held]
    title = _calendar_title(brand.name, agents[0].name if agents else agent_id)
    return calendar_of(entries_of(versions, brand), brand, agents, title=title)


def _kept_since(now: datetime, zone: ZoneInfo) -> datetime:
    return local_midnight(local_day(now - KEPT, zone), zone)


def _calendar_title(brand: str, name: str) -> str:
    return f"{brand}: shifts of {name}"
