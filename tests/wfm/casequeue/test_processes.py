"""The queue in processes of its own: light to start, and exactly once between many."""

from __future__ import annotations

import json
import subprocess
import sys

from wfm.store.brands import save_brand

HEAVY = [
    "pandas", "numpy", "scipy", "pulp", "highspy", "numba", "statsmodels", "prophet", "pandera",
    "fastapi", "starlette", "uvicorn", "dash", "plotly", "dbos", "alembic", "holidays", "typer",
]  # fmt: skip

IMPORT = """
import json, sys
from pathlib import Path
import wfm.casequeue.capacity, wfm.casequeue.claims, wfm.casequeue.spike, wfm.ingest.intake
import wfm.store.staffing
heavy = json.loads(sys.argv[1])
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
resident_kb = next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
loaded = [name for name in heavy if name in sys.modules]
print(json.dumps({"loaded": loaded, "resident_mb": resident_kb / 1024}))
"""

WORK = """
import json, sys
from datetime import datetime
from wfm.casequeue.claims import answer, claim_next
from wfm.store.brands import load_brand
from wfm.store.engine import open_store
from wfm.timegrid import FixedClock

url, agent, now = sys.argv[1:]
store = open_store(url, clock=FixedClock(datetime.fromisoformat(now)), busy_s=60)
with store.reading() as connection:
    brand = load_brand(connection)
done = []
sys.stdin.readline()
while (claimed := claim_next(store, agent, brand=brand, actor=agent)) is not None:
    answer(store, claimed.case.case_id, claimed.lease_token, "Done.", brand=brand, actor=agent)
    done.append(claimed.case.case_id)
print(json.dumps(done))
store.close()
"""


def test_importing_the_queue_loads_no_heavy_library_and_little_memory():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, json.dumps(HEAVY)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["loaded"] == []
    assert found["resident_mb"] < 60


def test_processes_that_claim_at_once_take_every_case_exactly_once(desk, store_url):
    agents = [f"agent{i}" for i in range(4)]
    desk.publish(*(desk.stretch(agent) for agent in agents))
    with desk.store.writing("test") as writing:
        save_brand(writing, desk.brand)
    opened = [desk.message(f"author{i}").case_id for i in range(80)]
    now = desk.clock.at.isoformat()
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, store_url, agent, now],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for agent in agents
    ]
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    taken = [case_id for worker in workers for case_id in json.loads(worker.communicate()[0])]
    assert sorted(taken) == sorted(opened)
    assert {tuple(desk.kinds(case_id)) for case_id in opened} == {("opened", "claimed", "answered")}
