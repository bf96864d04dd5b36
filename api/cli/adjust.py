"""`wfm adjust`, `adjustments`, `marks` and `mark`: what people know and no model can."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from api.cli.shell import (
    JsonOption,
    actor,
    as_rows,
    emit_json,
    figure,
    opened,
    out,
    parse_moment,
    show_table,
    watched,
)
from wfm.adjustments import Adjustment, AdjustmentKind
from wfm.errors import RequestError
from wfm.marks import MARK_KINDS, Mark, MarkState
from wfm.store.documents import to_document
from wfm.timegrid import floor_interval

if TYPE_CHECKING:
    from wfm.store.engine import Store

app = typer.Typer()
mark_app = typer.Typer(
    help="Mark spans of the past, and decide on marks that were proposed.", no_args_is_help=True
)

FromOption = Annotated[
    str | None, typer.Option("--from", help="A local time, '2026-03-02 18:00', or a day.")
]
ToOption = Annotated[str | None, typer.Option("--to", help="The end, which does not belong to it.")]
MARK_COLUMNS = ("id", "queue", "from", "to", "kind", "state", "counted", "normal")
# Beyond what the store counts to.
MAX_ID = 2**31 - 1
MarkId = Annotated[int, typer.Argument(help="The mark, see `wfm marks`.", min=1, max=MAX_ID)]


def _zone(store: Store) -> ZoneInfo:
    from wfm.store.brands import load_brand

    with store.reading() as connection:
        return load_brand(connection).tz


def _local(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"


def _span(store: Store, start: str | None, end: str | None) -> tuple[datetime, datetime]:
    if start is None or end is None:
        raise RequestError("say when it begins and ends: --from and --to")
    zone = _zone(store)
    begins, ends = _quarter(start, zone), _quarter(end, zone)
    if begins >= ends:
        raise RequestError(f"the span ends at {end!r}, not after its start {start!r}")
    return begins, ends


def _quarter(text: str, zone: ZoneInfo) -> datetime:
    """The instant, which must lie on the 15-minute grid; told in the words it was given in."""
    moment = parse_moment(text, zone)
    if floor_interval(moment) != moment:
        near = _local(floor_interval(moment), zone)
        raise RequestError(
            f"{text!r} lies between two intervals; write a quarter of an hour, such as {near!r}"
        )
    return moment


@app.command()
def adjust(
    queue: Annotated[str | None, typer.Argument(help="The queue to adjust.")] = None,
    start: FromOption = None,
    end: ToOption = None,
    total: Annotated[
        float | None, typer.Option("--set", help="So many contacts in all come in the span.")
    ] = None,
    percent: Annotated[
        float | None, typer.Option("--percent", help="So many % more, or less, than forecast.")
    ] = None,
    between: Annotated[
        tuple[float, float] | None,
        typer.Option("--range", metavar="LOW HIGH", help="Between, in four days of five."),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is shown to all.")] = "",
    withdraw: Annotated[
        int | None,
        typer.Option("--withdraw", help="Take this adjustment out of force.", min=1, max=MAX_ID),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Adjust a queue's forecast over a span, or withdraw an adjustment; both are kept on record."""
    from api.planning import forecasts

    given = {"set": total, "percent": percent, "range": between}
    kinds: list[AdjustmentKind] = [k for k in ("set", "percent", "range") if given[k] is not None]
    with opened() as store:
        if withdraw is not None:
            if queue is not None or kinds:
                raise RequestError("--withdraw stands alone: it names the adjustment to end")
            forecasts.withdraw(store, withdraw, actor())
            if as_json:
                emit_json({"adjustment_id": withdraw, "in_force": False})
            else:
                out.print(f"Adjustment {withdraw} is withdrawn; forecasts are without it now.")
            return
        if queue is None or len(kinds) != 1:
            raise RequestError(
                "name the queue and one of --set N, --percent P and --range LOW HIGH, as in: "
                "wfm adjust x --from 2026-03-02 --to 2026-03-03 --percent 20 --reason 'TV spot'"
            )
        begins, ends = _span(store, start, end)
        low, high = between or (None, None)
        wanted = Adjustment(
            queue=queue,
            start=begins,
            end=ends,
            kind=kinds[0],
            reason=reason,
            value=total if percent is None else percent,
            low=low,
            high=high,
        )
        kept = forecasts.adjust(store, wanted, actor())
    if as_json:
        emit_json({"adjustment_id": kept, "in_force": True})
        return
    out.print(
        f"Adjustment {kept} is in force; plan again to staff for it. "
        f"Undo it with: wfm adjust --withdraw {kept}",
        markup=False,
    )


@app.command()
def adjustments(
    queue: Annotated[str | None, typer.Option("--queue", help="Only of this queue.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Withdrawn ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the adjustments in force."""
    from api.planning import forecasts
    from api.planning.parts import adjustment_text

    with opened() as store:
        found = forecasts.adjustments(store, queue, active=not everything)
        zone = _zone(store)
    if as_json:
        emit_json({"adjustments": [to_document(one) for one in found]})
        return
    if not found:
        out.print("There is no adjustment.", markup=False)
        return
    shown = Table(box=None, pad_edge=False)
    for name in ("id", "queue", "from", "to", "adjustment", "by", "state"):
        shown.add_column(name, no_wrap=True)
    for one in found:
        shown.add_row(
            str(one.adjustment_id),
            one.queue,
            _local(one.start, zone),
            _local(one.end, zone),
            adjustment_text(one),
            one.actor,
            "in force" if one.in_force else f"withdrawn by {one.withdrawn_by}",
        )
    show_table(shown)


@app.command()
def marks(
    queue: Annotated[str | None, typer.Option("--queue", help="Only of this queue.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the marks on the past: outages and outliers that the baseline leaves out."""
    from api.planning import forecasts

    with opened() as store:
        found = forecasts.marks(store, queue)
        effects = {}
        if found:
            with watched("Weighing the marks") as progress:
                progress(0.0, "what the other decision would change")
                effects = forecasts.mark_effects(store, queue)
        zone = _zone(store)
    if as_json:
        rows = ({**to_document(one), "effect": effects.get(one.mark_id or 0)} for one in found)
        emit_json({"marks": as_rows(rows)})
        return
    if not found:
        out.print("Nothing is marked.", markup=False)
        return
    shown = Table(box=None, pad_edge=False)
    for name in (*MARK_COLUMNS, "next week", "reason"):
        number = name in ("counted", "normal", "next week")
        shown.add_column(name, justify="right" if number else "left", no_wrap=True)
    for one in found:
        shown.add_row(
            str(one.mark_id),
            one.queue,
            _local(one.start, zone),
            _local(one.end, zone),
            one.kind,
            one.state,
            f"{one.contacts:,.0f}",
            f"{one.expected:,.0f}" if one.expected else "-",
            figure(effects.get(one.mark_id or 0), "+,.0f"),
            one.reason,
        )
    show_table(shown)
    out.print("next week: how its contacts change if the mark is decided the other way")


@mark_app.command("add")
def add(
    queue: Annotated[str, typer.Argument(help="The queue.")],
    kind: Annotated[str, typer.Option("--kind", help=f"{' or '.join(MARK_KINDS)}.")],
    reason: Annotated[str, typer.Option("--reason", help="What happened.")],
    start: FromOption = None,
    end: ToOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mark a span of the past whose counts were not what customers do."""
    from api.planning import forecasts
    from wfm.ingest.history import load_volumes

    chosen = next((one for one in MARK_KINDS if one == kind), None)
    if chosen is None:
        raise RequestError(f"{kind!r} is no kind of mark; choose {' or '.join(MARK_KINDS)}")
    with opened() as store:
        begins, ends = _span(store, start, end)
        mark = Mark(queue, begins, ends, chosen, "accepted", reason=reason)
        kept = forecasts.add_mark(store, mark, actor())
        with store.reading() as connection:
            counted = load_volumes(connection, start=begins, end=ends, queues=[queue])
    if as_json:
        emit_json({"mark_id": kept, "state": "accepted"})
        return
    if counted.empty:
        meaning = "nothing was counted in it, so it changes nothing until such volumes are imported"
    else:
        meaning = "the next forecast leaves its counts out of the baseline"
    out.print(f"Mark {kept} is set; {meaning}.")


@mark_app.command("accept")
def accept(mark_id: MarkId) -> None:
    """Confirm a mark: its counts stay out of the baseline."""
    _decide(mark_id, "accepted", "its counts stay out of the baseline")


@mark_app.command("reject")
def reject(mark_id: MarkId) -> None:
    """Reject a mark: its counts are normal, and the next forecast learns from them."""
    _decide(mark_id, "rejected", "the next forecast learns from its counts")


@mark_app.command("reopen")
def reopen(mark_id: MarkId) -> None:
    """Take a decision back: the mark is as it was proposed."""
    _decide(mark_id, "proposed", "it is in force until somebody decides")


def _decide(mark_id: int, state: MarkState, meaning: str) -> None:
    from api.planning import forecasts

    with opened() as store:
        mark = forecasts.decide(store, mark_id, state, actor())
    out.print(f"Mark {mark.mark_id} of {mark.queue} is {mark.state}: {meaning}.", markup=False)
