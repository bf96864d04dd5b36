"""What spooled rows must be to each other: on one step a queue, and each interval once."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from wfm.ingest.spool import Rows, distinct, repeats
from wfm.ingest.steps import StepCount, check_steps, find_steps
from wfm.ingest.volumefiles import VolumeFiles
from wfm.progress import Progress
from wfm.timegrid import format_instant


def settle_steps(job: VolumeFiles, progress: Progress) -> dict[str, int]:
    """The step of each queue, seconds; absent where there is none to be told."""
    counted = _count_steps(job, progress)
    # The good rows alone may not show the step; mending the bad ones may.
    hidden = job.faults.total > 0 and not job.options.skip_bad

    def tell(queue: str, value: str, remedy: str) -> None:
        if not hidden:
            job.faults.prefix = ""
            column = f"{job.options.time_column} of queue {queue}"
            job.faults.add(0, column, value, remedy, fatal=True)

    return find_steps(counted, job.options.step_s, tell)


def _count_steps(job: VolumeFiles, progress: Progress) -> dict[str, StepCount]:
    counted: dict[str, StepCount] = {}
    for i, rows in enumerate(job.spool):
        progress(i / len(job.spool), "finding the step")
        once = distinct(rows)
        for number in np.unique(once["queue"]):
            own = once["start"][once["queue"] == number]
            counted.setdefault(job.queues[number], StepCount()).look(own)
    return counted


def check_stamps(job: VolumeFiles, steps: dict[str, int], progress: Progress) -> None:
    """Tell of duplicates, and once a queue of a row off its step."""
    told: set[int] = set()

    def tell_off_step(row: Rows, remedy: str) -> None:
        if int(row["queue"]) not in told:
            told.add(int(row["queue"]))
            job.tell(row, job.options.time_column, _stamp(row), remedy)
            job.faults.fatal = True

    for i, rows in enumerate(job.spool):
        progress(i / len(job.spool), "checking the stamps")
        _tell_duplicates(job, rows)
        check_steps(distinct(rows), job.queues, steps, tell_off_step)


def _tell_duplicates(job: VolumeFiles, rows: Rows) -> None:
    repeated = repeats(rows)
    first = np.maximum.accumulate(np.where(repeated, 0, np.arange(len(rows))))
    for i in np.flatnonzero(repeated):
        row, earlier = rows[i], rows[first[i]]
        where = f"line {earlier['line']}"
        if earlier["file"] != row["file"]:
            where += f" of {job.files[int(earlier['file'])].path.name}"
        job.tell(
            row,
            job.options.time_column,
            _stamp(row),
            f"queue {job.queues[int(row['queue'])]} has this interval on {where} already; "
            "keep one (a repeated hour of a clock change wants stamps with an offset)",
        )
        job.files[int(row["file"])].bad += 1


def _stamp(row: Rows) -> str:
    return format_instant(datetime.fromtimestamp(int(row["start"]), UTC))
