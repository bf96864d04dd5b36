"""A replay's cases as a table of text, a line a case, that no spreadsheet takes for formulas."""

from __future__ import annotations

from api.exports.csvfile import guarded
from scheduling.whatif.replay import Replay


def cases_csv(replay: Replay) -> bytes:
    """The cases as CSV: UTF-8, a header, one line a case, by arrival; instants in UTC.

    `recorded_late` and `replayed_late` are shares from 0 to 1, empty where it cannot be told yet;
    times are empty where there was no reply.
    """
    names = {name: guarded(name) for name in replay.cases["queue"].unique()}
    table = replay.cases.assign(queue=replay.cases["queue"].map(names))
    text: str = table.to_csv(
        index=False, date_format="%Y-%m-%dT%H:%M:%SZ", float_format="%.4g", lineterminator="\r\n"
    )
    return text.encode()
