"""`wfm whatif replay`: recorded cases answered by another roster, rule or forecast."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.forecast import ModelsOption, check_target
from api.cli.rosterwords import counted, draft_id_of
from api.cli.shell import (
    JsonOption,
    SeedOption,
    as_rows,
    emit_json,
    figure,
    opened,
    out,
    parse_day,
    say,
    show_table,
    watched,
)
from api.planning.whatif.words import duration
from wfm.errors import RequestError, SetupError

if TYPE_CHECKING:
    import pandas as pd

    from api.planning.whatif.replaying import ReplayRequest
    from scheduling.simulation.trial import Order
    from scheduling.whatif.replay import Replay

app = typer.Typer()

ORDERS = ("live", "fifo")
# Days that a text shows one by one; --json gives all.
SHOWN_DAYS = 31


@app.command()
def replay(
    first: Annotated[str, typer.Option("--from", help="First local day.")],
    last: Annotated[
        str | None, typer.Option("--to", help="Last local day; default: the same.")
    ] = None,
    plan: Annotated[
        str | None,
        typer.Option("--plan", help="Whose people answer: an id; default: those in force then."),
    ] = None,
    draft: Annotated[
        str | None, typer.Option("--draft", help="The people of this draft answer, 5 or draft-5.")
    ] = None,
    models: ModelsOption = None,
    order: Annotated[
        str, typer.Option("--order", help="live: as the queue does; fifo: first come first.")
    ] = "live",
    spike_mode: Annotated[
        list[str] | None,
        typer.Option("--spike-mode", help="A queue in which lost cases come last; repeatable."),
    ] = None,
    replications: Annotated[
        int, typer.Option("--replications", help="Times that what no record tells is drawn.")
    ] = 10,
    seed: SeedOption = 1,
    cases: Annotated[
        Path | None,
        typer.Option("--cases", metavar="FILE.csv", help="Write what came of every case."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Play past days again: their recorded cases, another roster, rule or forecast.

    With --model a plan is made anew with those models, from what was known on the first day; it is
    not kept.
    """
    from api.planning.whatif import replaying

    if plan is not None and draft is not None:
        raise RequestError("name a --plan or a --draft, not both")
    if cases is not None:
        if cases.suffix != ".csv":
            raise RequestError(f"{cases}: cases are written as CSV; end its name in .csv")
        check_target(cases)
    begin = parse_day(first)
    request = replaying.ReplayRequest(
        first=begin,
        last=begin if last is None else parse_day(last),
        roster=(plan or "") if draft is None else f"draft-{draft_id_of(draft)}",
        models=tuple(models) if models else None,
        order=_order(order),
        spike_mode=tuple(spike_mode or ()),
        replications=replications,
        seed=seed,
    )
    with opened() as store, watched("Replaying") as progress:
        found = replaying.replay(store, request, progress)
    if cases is not None:
        _write(found, cases)
    if as_json:
        emit_json({**_document(found), "cases": None if cases is None else str(cases)})
        return
    _tell(found, request)
    if cases is not None:
        out.print(f"{counted(len(found.cases), 'case')} written to {cases}", markup=False)


def _write(found: Replay, file: Path) -> None:
    from api.exports.replaycsv import cases_csv

    try:
        file.write_bytes(cases_csv(found))
    except OSError as error:
        raise SetupError(
            f"{file} cannot be written ({error.strerror}); name another file"
        ) from error


def _order(text: str) -> Order:
    if text == "live":
        return "live"
    if text == "fifo":
        return "fifo"
    raise RequestError(f"--order is {text[:40]!r}; choose {' or '.join(ORDERS)}")


# -- in words ------------------------------------------------------------------------------------


def _tell(found: Replay, request: ReplayRequest) -> None:
    """The answer in a sentence, a table by queue and one by day, and what it rests on."""
    say(_answer(found, request))
    show_table(_table(found.by_queue, "queue"))
    days = found.by_day[found.by_day["queue"] == ""]
    if len(days) > 1:
        out.print("")
        show_table(_table(days.head(SHOWN_DAYS), "day"))
    if len(days) > SHOWN_DAYS:
        out.print(f"the first {SHOWN_DAYS} of {len(days)} days; --json gives all")
    say(_grounds(found))


def _answer(found: Replay, request: ReplayRequest) -> str:
    """What the replay came to, in one sentence."""
    rows = found.by_queue[found.by_queue["queue"] == ""].to_dict("records")
    first, last = request.first, request.last
    when = f"On {_day(first)}" if first == last else f"From {_day(first)} to {_day(last)}"
    who = _who(request)
    if not rows or not rows[0]["cases"]:
        return f"{when} no case can be judged."
    (whole,) = rows
    points = 100 * whole["difference"]
    return (
        f"{when} {who} would have had {figure(whole['replayed'], '.1%')} of {whole['cases']:,} "
        f"first replies in time, where the record has {figure(whole['recorded'], '.1%')} "
        f"({figure(points, '+.1f')} points)."
    )


def _day(day: date) -> str:
    return f"{day:%a %d %b %Y}"


def _who(request: ReplayRequest) -> str:
    """Who answers, and how."""
    who = f"the people of roster {request.roster}" if request.roster else "the roster in force"
    if request.models is not None:
        who = f"a plan by {', '.join(request.models)}"
    rules = ["first come first served"] if request.order == "fifo" else []
    if request.spike_mode:
        rules.append(f"spike mode on {', '.join(request.spike_mode)}")
    return f"{who} with {' and '.join(rules)}" if rules else who


COLUMNS = (
    "cases", "recorded", "replayed", "P10", "P90", "points", "half within", "9 in 10 within",
)  # fmt: skip


def _table(rows: pd.DataFrame, key: str) -> Table:
    """A line a queue or a day; of waits what is recorded -> what is replayed."""
    shown = Table(box=None, pad_edge=False)
    for name in (key, *COLUMNS):
        shown.add_column(name, justify="left" if name == key else "right", no_wrap=True)
    for row in rows.to_dict("records"):
        shares = (row[n] for n in ("recorded", "replayed", "replayed_low", "replayed_high"))
        shown.add_row(
            row[key] or "all queues",
            f"{row['cases']:,}",
            *(figure(share, ".1%") for share in shares),
            figure(100 * row["difference"], "+.1f"),
            *(
                f"{_wait(row[f'recorded_{p}_s'])} -> {_wait(row[f'replayed_{p}_s'])}"
                for p in ("p50", "p90")
            ),
        )
    return shown


def _wait(seconds: float) -> str:
    told = figure(seconds, "")
    return told if told == "-" else duration(seconds / 60)


def _grounds(found: Replay) -> str:
    again = f"{counted(found.replications, 'replication')}, seed {found.seed}"
    if found.replications == 1:
        again = "nothing was left to chance"
    return (
        f"{counted(found.played, 'case')} played, with those of the day before; handling times on "
        f"record for {found.known:.0%}, the others drawn; {again}; {found.seconds:.1f} s."
    )


# -- as JSON -------------------------------------------------------------------------------------


def _document(found: Replay) -> dict[str, Any]:
    return {
        "from": found.start,
        "to": found.end,
        "by_queue": as_rows(found.by_queue.to_dict("records")),
        "by_day": as_rows(found.by_day.to_dict("records")),
        "played": found.played,
        "known": found.known,
        "replications": found.replications,
        "seed": found.seed,
        "seconds": found.seconds,
    }
