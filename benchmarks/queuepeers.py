"""A worker that fetches jobs with procrastinate when told; runs in the peers' environment.

    python -m benchmarks.queuepeers defer URL COUNT     # makes the tables and defers the jobs
    python -m benchmarks.queuepeers work                # as `benchmarks.queueclaims`

What is timed is the library's own `fetch_job`: it locks the next job, marks it as doing and writes
its event. No job is run.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from typing import Any

import procrastinate

WARM = 5
BATCH = 2_000


def app_of(url: str) -> procrastinate.App:
    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=1)
    return procrastinate.App(connector=connector)


async def defer(url: str, count: int) -> None:
    app = app_of(url)

    @app.task(name="case", queue="q0")
    async def case(number: int) -> None:
        raise NotImplementedError(f"job {number} is only fetched")

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for first in range(0, count, BATCH):
            numbers = range(first, min(count, first + BATCH))
            await case.batch_defer_async(*({"number": number} for number in numbers))


async def turn(told: dict[str, Any]) -> None:
    app = app_of(told["url"])
    async with app.open_async():
        worker_id = await app.job_manager.register_worker()
        fetch = app.job_manager.fetch_job
        warmed = [await fetch(["q0"], worker_id) for _ in range(WARM)]
        print(json.dumps({"ready": True}), flush=True)
        sys.stdin.readline()
        cpu, began = time.process_time(), time.monotonic()
        claimed = []
        while (at := time.monotonic()) < began + told["seconds"]:
            job = await fetch(["q0"], worker_id)
            if job is None:
                break
            claimed.append((job.id, (time.monotonic() - at) * 1000))
        answer = {
            "warmed": [job.id for job in warmed if job is not None],
            "claimed": claimed,
            "began": began,
            "ended": time.monotonic(),
            "cpu_s": time.process_time() - cpu,
        }
    print(json.dumps(answer), flush=True)


def main() -> None:
    # It warns of apps in the main module, which matters only to those who import the app.
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    if sys.argv[1] == "defer":
        asyncio.run(defer(sys.argv[2], int(sys.argv[3])))
        return
    for line in sys.stdin:
        asyncio.run(turn(json.loads(line)))


if __name__ == "__main__":
    main()
