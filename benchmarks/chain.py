"""Seconds and peak memory of every stage from files to a published roster, on the sample brand.

    python -m benchmarks.chain [--quick] [--json FILE] [--seed N]

Rows: stage, wall_s, cpu_s, peak_mb. `--quick` plans one week instead of four, its forecast has the
default model alone, without challengers, and its certificate a fifth of the days. The stages run in
one process; the first row of compiled code pays for compiling where its cache is cold.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.report import arguments, finish, peak_memory, stage

SAMPLE = Path(__file__).parents[1] / "data" / "sample"


def main() -> None:
    args = arguments(__doc__ or "")
    rows: list[dict[str, Any]] = []
    with stage(rows, "import of libraries"):
        from api.planning import records
        from api.planning.plan import compute_plan
        from forecasting.scoring.champion import DEFAULT
        from wfm.ingest.agents import import_agents
        from wfm.ingest.brandfile import import_brand
        from wfm.ingest.campaigns import import_campaigns
        from wfm.ingest.volumes import import_volumes
        from wfm.store.brands import load_brand
        from wfm.store.engine import open_store
        from wfm.store.volumes import last_interval
    with tempfile.TemporaryDirectory(prefix="wfm-bench-") as folder:
        with stage(rows, "store"):
            store = open_store(f"sqlite:///{folder}/wfm.sqlite")
        with stage(rows, "import of files"):
            import_brand(store, SAMPLE / "brand.toml", actor="benchmark")
            import_agents(store, SAMPLE / "agents.csv", actor="benchmark")
            import_campaigns(store, SAMPLE / "campaigns.csv", actor="benchmark")
            import_volumes(store, sorted(SAMPLE.glob("volumes*")), actor="benchmark")
        with stage(rows, "load"):
            with store.reading() as connection:
                last = last_interval(connection)
                zone = load_brand(connection).tz
            assert last is not None
            first = (last.astimezone(zone) + timedelta(days=1)).date()
            request = records.PlanRequest(
                first,
                weeks=1 if args.quick else 4,
                seed=args.seed,
                replications=40 if args.quick else 200,
                models=(DEFAULT,) if args.quick else None,
            )
            inputs = records.load(store, request)
        peaks: dict[str, float] = {}
        with peak_memory() as peak:

            def watch(_done: float, told: str) -> None:
                name = told.split(":", maxsplit=1)[0]
                if name not in peaks:
                    # Each stage is charged with its own peak, not that of the one before.
                    peak[0] = 0.0
                peaks[name] = max(peaks.get(name, 0.0), peak[0])

            plan = compute_plan(inputs, watch)
        rows += [
            {**cost, "peak_mb": round(peaks[cost["stage"]], 1)} for cost in plan.summary["stages"]
        ]
        with stage(rows, "save"):
            plan_id = records.save_draft(store, plan, "benchmark")
        with stage(rows, "publish"):
            records.publish(store, plan_id, "benchmark")
        store.close()
    rows.append(
        {
            "stage": "all",
            "wall_s": round(sum(row["wall_s"] for row in rows), 3),
            "cpu_s": round(sum(row["cpu_s"] for row in rows), 3),
            "peak_mb": max(row["peak_mb"] for row in rows),
        }
    )
    finish(
        "chain",
        rows,
        args,
        weeks=request.weeks,
        agents=plan.summary["agents"],
        attainment=plan.summary["attainment"],
        gap=plan.summary["gap"],
        violations=plan.summary["violations"],
    )


if __name__ == "__main__":
    main()
