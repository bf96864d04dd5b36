"""How the `wfm roster` commands read what they are given and say what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from api.cli.shell import as_rows, emit_json, out, say
from wfm.errors import RequestError

if TYPE_CHECKING:
    from api.planning.drafts import Edited
    from scheduling.check import Violation
    from scheduling.editing.changes import Change, Segment
    from scheduling.editing.judging import Judgement
    from wfm.store.engine import Store

Which = Annotated[
    str, typer.Argument(metavar="PLAN|DRAFT", help="A plan's id, latest, current, or draft-5.")
]
Draft = Annotated[str, typer.Argument(metavar="DRAFT", help="The draft's id, 5 or draft-5.")]
Agent = Annotated[str, typer.Argument(metavar="AGENT", help="The agent's id.")]
Day = Annotated[str, typer.Argument(metavar="DAY", help="The local day a shift starts on.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]
Revision = Annotated[
    int | None,
    typer.Option("--revision", help="The draft's revision you have seen; default: any.", min=0),
]

# More changes than this are counted, not told one by one; --json tells all.
SHOWN = 25


def draft_id_of(text: str) -> int:
    """The id of a draft as people write it.

    >>> draft_id_of("draft-5"), draft_id_of("5")
    (5, 5)
    """
    from api.planning.asked import id_in

    found = id_in(text.removeprefix("draft-"))
    if found is None:
        raise RequestError(f"{text[:40]!r} names no draft; `wfm roster drafts` lists them")
    return found


def start_minute(text: str) -> int:
    """A local time of the day as minutes after midnight.

    >>> start_minute("06:15")
    375
    """
    from wfm.ingest.hours import parse_clock

    minute = parse_clock(text)
    if minute >= 24 * 60:
        raise RequestError(f"no shift starts at {text}; write 00:00 and the day after")
    return minute


def zone_of(store: Store) -> ZoneInfo:
    """The zone of the store's brand."""
    from wfm.store.brands import load_brand

    with store.reading() as connection:
        return load_brand(connection).tz


def counted(number: int, what: str) -> str:
    """
    >>> counted(1, "edit"), counted(3, "edit")
    ('1 edit', '3 edits')
    """
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def clock_time(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%H:%M}"


# -- in words ------------------------------------------------------------------------------------


def say_changes(changes: Sequence[Change], zone: ZoneInfo) -> None:
    """A line an agent-day: what was, and what is."""
    from scheduling.editing.changes import told

    for change in changes[:SHOWN]:
        say(told(change, zone), indent="  ")
    if len(changes) > SHOWN:
        more = counted(len(changes) - SHOWN, "more agent-day")
        out.print(f"  ... and {more} (--json tells them)", markup=False)


def say_judgement(judgement: Judgement) -> None:
    """The rules broken and mended, the coverage and the paid hours."""
    for violation in judgement.broken[:SHOWN]:
        say(f"breaks a rule: {violation}; {violation.cure}", indent="  ")
    if len(judgement.broken) > SHOWN:
        more = counted(len(judgement.broken) - SHOWN, "more broken rule")
        out.print(f"  ... and {more} (--json tells them)", markup=False)
    for violation in judgement.mended[:SHOWN]:
        say(f"no longer broken: {violation}", indent="  ")
    if not judgement.broken:
        out.print("  breaks no rule", markup=False)
    out.print(
        f"  agent-hours short where coverage changes: {judgement.short_hours_before:.1f} -> "
        f"{judgement.short_hours_after:.1f}; paid hours {judgement.paid_hours_before:g} -> "
        f"{judgement.paid_hours_after:g}",
        markup=False,
    )


def say_edited(edited: Edited, zone: ZoneInfo, *, kept: bool = True) -> None:
    """What an edit has done, or would do."""
    if not edited.changes:
        out.print(f"Draft {edited.draft_id} is at revision {edited.revision}; no shift changes.")
        return
    state = f"is now at revision {edited.revision}" if kept else "is not changed; this would come"
    out.print(f"Draft {edited.draft_id} {state}:", markup=False)
    say_changes(edited.changes, zone)
    say_judgement(edited.judgement)


def show_edited(store: Store, edited: Edited, *, as_json: bool, kept: bool = True) -> None:
    """What an edit has done, or would do, as text or as JSON."""
    if as_json:
        emit_json(edited_document(edited) | {"kept": kept})
    else:
        say_edited(edited, zone_of(store), kept=kept)


# -- as JSON -------------------------------------------------------------------------------------


def change_document(change: Change) -> dict[str, Any]:
    return {
        "agent_id": change.agent_id,
        "day": change.day.isoformat(),
        "before": [segment_document(s) for s in change.before],
        "after": [segment_document(s) for s in change.after],
    }


def segment_document(segment: Segment) -> dict[str, Any]:
    return {
        "start": segment.start.astimezone(UTC),
        "end": segment.end.astimezone(UTC),
        "activity": segment.activity,
        "queue": segment.queue,
        "template": segment.template,
        "pinned": segment.pinned,
    }


def violations_document(violations: Iterable[Violation]) -> list[dict[str, Any]]:
    return [
        {
            "agent_id": v.agent_id,
            "day": v.day.isoformat(),
            "rule": v.rule,
            "detail": v.detail,
            "cure": v.cure,
        }
        for v in violations
    ]


def judgement_document(judgement: Judgement) -> dict[str, Any]:
    coverage = judgement.coverage.assign(
        start=judgement.coverage["start"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    return {
        "broken": violations_document(judgement.broken),
        "mended": violations_document(judgement.mended),
        "short_hours_before": judgement.short_hours_before,
        "short_hours_after": judgement.short_hours_after,
        "paid_hours_before": judgement.paid_hours_before,
        "paid_hours_after": judgement.paid_hours_after,
        "coverage": as_rows(coverage.to_dict("records")),
    }


def edited_document(edited: Edited) -> dict[str, Any]:
    return {
        "draft_id": edited.draft_id,
        "revision": edited.revision,
        "changes": [change_document(change) for change in edited.changes],
        **judgement_document(edited.judgement),
    }
