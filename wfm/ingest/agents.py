"""Agents in: one row a contract term, every fault at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from wfm.brands import Brand
from wfm.errors import DataError
from wfm.ingest.agentcells import (
    Names,
    parse_absence,
    parse_availability,
    parse_day,
    parse_limit,
    parse_preference,
    parse_role,
    parse_skill,
)
from wfm.ingest.compare import Found
from wfm.ingest.faults import Faults, unknown
from wfm.ingest.hours import merge_slots
from wfm.ingest.keyed import Kind, import_keyed
from wfm.ingest.report import ImportReport
from wfm.ingest.tables import Column, Piece
from wfm.people import Agent, Availability, ContractTerm
from wfm.progress import Progress, silent
from wfm.store.brands import load_brand
from wfm.store.engine import Store
from wfm.store.people import load_agents, save_agents

COLUMNS = (
    Column("agent_id"),
    Column("name"),
    Column("contract"),
    Column("contract_from"),
    Column("contract_to", required=False),
    Column("skills"),
    Column("availability", required=False),
    Column("time_off", required=False),
    Column("preferences", required=False),
    Column("limits", required=False),
    Column("roles", required=False),
)
# Cells that a further row of the same agent leaves empty or repeats.
OF_THE_AGENT = (
    "name",
    "skills",
    "availability",
    "time_off",
    "preferences",
    "limits",
    "roles",
)
LONGEST_ID = 80
LONGEST_NAME = 200
KIND = Kind[Agent]("agents", COLUMNS, "agent_id", load_agents, save_agents, lambda a: a.agent_id)

T = TypeVar("T")


@dataclass
class _Draft:
    """An agent while the rows are read."""

    line: int
    cells: dict[str, str]
    terms: list[tuple[int, ContractTerm]] = field(default_factory=list)
    rows: int = 0
    good: bool = True


def import_agents(
    store: Store,
    path: Path,
    *,
    actor: str,
    replace: bool = False,
    skip_bad: bool = False,
    progress: Progress = silent,
) -> ImportReport:
    """Take agents into the store; all of them or none.

    The same file again changes nothing; an agent who differs needs `replace`. With `skip_bad` an
    agent with a bad row is left out whole. Raises FileFaults, RequestError for a file that cannot
    be read, NotFound without a brand.
    """
    with store.reading() as connection:
        names = _names(load_brand(connection))
    return import_keyed(
        store,
        path,
        KIND,
        partial(_agents, names),
        actor=actor,
        replace=replace,
        skip_bad=skip_bad,
        progress=progress,
    )


def _names(brand: Brand) -> Names:
    return Names(
        tuple(q.name for q in brand.queues),
        tuple(c.name for c in brand.contracts),
        tuple(t.name for t in brand.templates),
    )


def _agents(names: Names, pieces: Iterable[Piece], faults: Faults) -> list[Found[str, Agent]]:
    """The agents whose rows are all good."""
    drafts: dict[str, _Draft] = {}
    for piece in pieces:
        for i, line in enumerate(piece.lines.tolist()):
            row = {column: texts[i] for column, texts in piece.cells.items()}
            _take_row(drafts, line, row, names, faults)
    return [
        Found(agent_id, agent, draft.line, rows=draft.rows)
        for agent_id, draft in drafts.items()
        if (agent := _agent(agent_id, draft, names, faults)) is not None
    ]


def _take_row(
    drafts: dict[str, _Draft], line: int, row: dict[str, str], names: Names, faults: Faults
) -> None:
    """Add one row to its agent: a contract term, and what the agent is."""
    before = faults.total
    agent_id = row["agent_id"]
    if not agent_id or len(agent_id) > LONGEST_ID:
        faults.add(line, "agent_id", agent_id, f"want an id of up to {LONGEST_ID} characters")
        return
    draft = drafts.setdefault(agent_id, _Draft(line, row))
    draft.rows += 1
    for column in OF_THE_AGENT:
        text, first = row.get(column, ""), draft.cells.get(column, "")
        if text and text != first:
            faults.add(
                line,
                column,
                text,
                f"line {draft.line} says {first!r} of {agent_id}; leave it empty here, or make "
                "both the same",
            )
    term = _term(line, row, names, faults)
    if term is not None:
        draft.terms.append((line, term))
    draft.good &= faults.total == before


def _term(line: int, row: dict[str, str], names: Names, faults: Faults) -> ContractTerm | None:
    contract = row["contract"]
    if contract not in names.contracts:
        remedy = unknown("contract", contract, names.contracts) if contract else "empty"
        faults.add(line, "contract", contract, remedy)
    since = _tried_day(row["contract_from"], "contract_from", line, faults)
    until = None
    if text := row.get("contract_to", ""):
        until = _tried_day(text, "contract_to", line, faults)
    if since is None:
        return None
    if until is not None and until < since:
        faults.add(line, "contract_to", until, f"the term ends before it begins, {since}")
    return ContractTerm(contract, since, until)


def _agent(agent_id: str, draft: _Draft, names: Names, faults: Faults) -> Agent | None:
    """The agent of all its rows, or None when any of them is bad."""
    before, line, row = faults.total, draft.line, draft.cells
    if not row["name"] or len(row["name"]) > LONGEST_NAME:
        faults.add(line, "name", row["name"], f"want a name of up to {LONGEST_NAME} characters")
    terms = sorted(draft.terms, key=lambda one: one[1].since)
    for (_, one), (later, other) in pairwise(terms):
        if one.until is None or one.until >= other.since:
            ends = f"until {one.until}" if one.until else "without an end"
            faults.add(
                later,
                "contract_from",
                other.since,
                f"overlaps the contract {one.contract!r} of {agent_id}, held from {one.since} "
                f"{ends}; end that one before",
            )
    skills = _parts(parse_skill, draft, "skills", names, faults)
    if not row["skills"]:
        faults.add(line, "skills", "", f"{agent_id} has no skill; name a queue such as x:3")
    queues = [skill.queue for skill in skills]
    for queue in sorted({q for q in queues if queues.count(q) > 1}):
        faults.add(line, "skills", queue, "named twice; keep one level")
    slots = [
        s for part in _parts(parse_availability, draft, "availability", names, faults) for s in part
    ]
    time_off = _parts(parse_absence, draft, "time_off", names, faults)
    preferences = _parts(parse_preference, draft, "preferences", names, faults)
    limits = _parts(parse_limit, draft, "limits", names, faults)
    roles = _parts(parse_role, draft, "roles", names, faults)
    if faults.total > before or not draft.good:
        return None
    return Agent(
        agent_id,
        row["name"],
        tuple(term for _, term in terms),
        tuple(skills),
        tuple(Availability(*slot) for slot in merge_slots(slots)),
        tuple(time_off),
        tuple(preferences),
        tuple(limits),
        tuple(dict.fromkeys(roles)),
    )


def _tried_day(text: str, column: str, line: int, faults: Faults) -> date | None:
    """The day, or None with the fault told."""
    try:
        return parse_day(text)
    except DataError as error:
        faults.add(line, column, text, error.message)
        return None


def _parts(
    parse: Callable[[str, Names], T], draft: _Draft, column: str, names: Names, faults: Faults
) -> list[T]:
    """The parts of a cell that `;` joins, those that could be parsed."""
    values: list[T] = []
    for text in map(str.strip, draft.cells.get(column, "").split(";")):
        if text:
            try:
                values.append(parse(text, names))
            except DataError as error:
                faults.add(draft.line, column, text, error.message)
    return values
