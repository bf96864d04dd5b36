"""First replies of a record and of its replay, held against the promises and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling.queueing.erlang import Floats, Wholes
from scheduling.simulation.attainment import ratio_band
from scheduling.verdicts import Bools, FirstReplies, OpenTime
from scheduling.whatif.recorded import CaseRecord
from wfm.brands import Brand
from wfm.timegrid import local_day, local_midnight

SHARES = (0.5, 0.9)
DAY = timedelta(days=1)


class Verdicts(NamedTuple):
    """Of each case on the board, whether it is judged, and whether it is late."""

    judged: Bools
    late: Bools


class Counts(NamedTuple):
    """By queue and local day, the first place of each axis is all of them: cases in time, cases
    judged, and (.., 2) the open seconds in which half and nine in ten got their first reply.
    """

    on_time: Wholes
    judged: Wholes
    within_s: Floats


@dataclass(frozen=True)
class Board:
    """The cases that are judged, by arrival: those for people that arrived from some instant on.

    of_record  their places among the record's cases
    queue      place of each one's queue
    days       local days that they may lie in, with the edges of those in seconds
    promises   by queue: which of the cases are its own, what is promised to them, and the instant
               up to which its results tell
    """

    record: CaseRecord
    of_record: Wholes
    queue: NDArray[np.int32]
    days: tuple[str, ...]
    edges: Floats
    promises: tuple[tuple[Wholes, FirstReplies, float], ...]

    @cached_property
    def received(self) -> Floats:
        return np.asarray(self.record.received[self.of_record])

    @cached_property
    def day(self) -> Wholes:
        """Place of each case's local day."""
        return np.asarray(np.searchsorted(self.edges, self.received, side="right") - 1)

    @cached_property
    def rows(self) -> tuple[Wholes, ...]:
        """Which cases are of all queues, and of each queue; in each they lie by day."""
        order = np.argsort(self.queue, kind="stable")
        ends = np.searchsorted(self.queue[order], np.arange(len(self.record.queues) + 1))
        own = (order[a:b] for a, b in pairwise(ends))
        return np.arange(self.queue.size), *own

    def judge(self, replied: Floats) -> tuple[Verdicts, Counts]:
        """What first replies come to, seconds from the record's start; NaN: none.

        A reply that was sent after the record's end, or after its queue's results end, is none yet.
        """
        judged, late = np.zeros((2, replied.size), np.bool_)
        taken = np.full(replied.size, np.inf)
        for own, promise, until in self.promises:
            sent = replied[own]
            sent = np.where(sent <= until, sent, np.nan)
            judged[own], late[own], taken[own] = promise.judge(sent, until)
        verdicts = Verdicts(judged, late)
        return verdicts, self._count(verdicts, taken)

    def _count(self, verdicts: Verdicts, taken_s: Floats) -> Counts:
        days = len(self.days)
        shape = len(self.rows), days + 1
        on_time, judged = np.zeros((2, *shape), np.int64)
        within = np.full((*shape, len(SHARES)), np.nan)
        for row, of_row in enumerate(self.rows):
            told = of_row[verdicts.judged[of_row]]
            day, taken = self.day[told], taken_s[told]
            ends = np.searchsorted(day, np.arange(days + 1))
            judged[row, 1:] = np.diff(ends)
            on_time[row, 1:] = np.bincount(day[~verdicts.late[told]], minlength=days)
            within[row, 0] = _within(taken)
            for d, (begin, end) in enumerate(pairwise(ends)):
                within[row, d + 1] = _within(taken[begin:end])
        on_time[:, 0], judged[:, 0] = on_time.sum(axis=1), judged.sum(axis=1)
        return Counts(on_time, judged, within)


def board_of(record: CaseRecord, brand: Brand, *, start: datetime) -> Board:
    """The record's cases for people that arrived from `start` on."""
    since = (start - record.start).total_seconds()
    horizon = (record.end - record.start).total_seconds()
    chosen = np.flatnonzero(~record.automatic & (record.received >= since))
    queue, received = record.queue[chosen], record.received[chosen]
    promises = []
    for q, of_brand in enumerate(brand.queues):
        own = np.flatnonzero(queue == q)
        promise = FirstReplies(
            OpenTime(of_brand, record.start, record.end),
            received[own],
            threshold_s=of_brand.promise.threshold_s,
            opening_s=of_brand.opening_goal.threshold_s,
        )
        promises.append((own, promise, min(horizon, float(record.until[q]))))
    first, last = local_day(start, brand.tz), local_day(record.end, brand.tz)
    days = [first + i * DAY for i in range((last - first).days + 1)]
    edges = [(local_midnight(day, brand.tz) - record.start).total_seconds() for day in days]
    return Board(
        record=record,
        of_record=chosen,
        queue=queue,
        days=tuple(day.isoformat() for day in days),
        edges=np.array(edges),
        promises=tuple(promises),
    )


def _within(taken: Floats) -> Floats:
    """Seconds within which these shares of replies were sent; NaN where they were not."""
    if not taken.size:
        return np.full(len(SHARES), np.nan)
    places = [int(np.ceil(share * taken.size)) - 1 for share in SHARES]
    found = np.partition(taken, places)[places]
    return np.where(np.isfinite(found), found, np.nan)


# -- tables --------------------------------------------------------------------------------------


def by_queue_and_day(
    board: Board, recorded: Counts, replayed: Sequence[Counts]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `Replay.by_queue` and `Replay.by_day`: a row wherever a case is judged."""
    on_time = np.stack([one.on_time for one in replayed])
    judged = np.stack([one.judged for one in replayed])
    mean, low, high = ratio_band(on_time, judged)
    share, _, _ = ratio_band(recorded.on_time[None], recorded.judged[None])
    # Where even one replication has no figure there is none.
    within = np.stack([one.within_s for one in replayed]).mean(axis=0)
    columns = {
        "cases": recorded.judged,
        "recorded": share,
        "replayed": mean,
        "replayed_low": low,
        "replayed_high": high,
        "difference": mean - share,
        "recorded_p50_s": recorded.within_s[..., 0],
        "recorded_p90_s": recorded.within_s[..., 1],
        "replayed_p50_s": within[..., 0],
        "replayed_p90_s": within[..., 1],
    }
    names = pd.array(["", *board.record.queues], dtype="str")
    any_judged = (recorded.judged > 0) | (judged.sum(axis=0) > 0)
    queue, day = np.nonzero(any_judged)
    table = pd.DataFrame({"queue": names[queue], **{k: v[queue, day] for k, v in columns.items()}})
    whole = table[day == 0].reset_index(drop=True)
    days = pd.array(["", *board.days], dtype="str")
    table.insert(0, "day", pd.Series(days[day]))
    by_day = table[day > 0].sort_values(["day", "queue"], kind="stable", ignore_index=True)
    return whole, by_day


def by_case(
    board: Board, recorded: Verdicts, replied: Sequence[Floats], verdicts: Sequence[Verdicts]
) -> pd.DataFrame:
    """The table `Replay.cases`, by arrival.

    replied  first replies of each replication, seconds from the record's start; NaN: none
    """
    known, total, judged, late = np.zeros((4, board.queue.size))
    for sent, verdict in zip(replied, verdicts, strict=True):
        told = np.isfinite(sent)
        known += told
        np.add(total, sent, out=total, where=told)
        judged += verdict.judged
        late += verdict.judged & verdict.late
    with np.errstate(invalid="ignore"):
        mean, share = total / known, late / judged
    names = pd.array(list(board.record.queues), dtype="str")
    record = board.record
    return pd.DataFrame(
        {
            "queue": names[board.queue],
            "received_at": _instants(board.received, record.start),
            "recorded_at": _instants(record.replied[board.of_record], record.start),
            "replayed_at": _instants(mean, record.start),
            "recorded_late": np.where(recorded.judged, recorded.late, np.nan),
            "replayed_late": share,
        }
    )


def _instants(seconds: Floats, start: datetime) -> pd.DatetimeIndex:
    """Seconds from `start` as instants, NaT for NaN."""
    told = np.isfinite(seconds)
    micros = np.rint(np.where(told, seconds, 0.0) * 1e6).astype("timedelta64[us]")
    at = np.datetime64(start.replace(tzinfo=None), "us") + micros
    at[~told] = np.datetime64("NaT")
    return pd.DatetimeIndex(at).tz_localize("UTC")
