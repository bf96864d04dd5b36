"""The child process that carries out one job: `python -m api.worker REPORT_FD PARENT_PID`.

It reads one line of JSON from its standard input, the `Order`, then keeps that pipe open: when the
pipe ends, the parent is gone, and the child and all it started end too. What it has to say goes
to the pipe REPORT_FD, one JSON document a line:

    {"done": 0.4, "stage": "making the roster"}        progress
    {"message": {"level", "code", "text", "arguments"}}  something worth knowing
    {"result": {...}}  or  {"problem": {...}}            the last line

A kind of job is a function `work(Work) -> result`, named in `KINDS` as "module:function".
"""

from __future__ import annotations

import ctypes
import importlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, cast

from api.problems import internal_problem, problem_of
from wfm.errors import Cancelled, WfmError
from wfm.progress import Progress, part
from wfm.store import drafts as draft_rows
from wfm.store import jobs, plans
from wfm.store.engine import Store, open_store
from wfm.timegrid import SystemClock, format_instant, parse_instant

if TYPE_CHECKING:
    from api.planning.publishing import Published

KINDS: dict[str, str] = {
    "plan": "api.worker:make_plan",
    "forecast": "api.worker:make_forecast",
    "certify": "api.worker:make_certificate",
    "resolve": "api.worker:resolve_draft",
    "publish_draft": "api.worker:publish_draft",
    "republish": "api.worker:republish_plan",
    "repairs": "api.worker:rank_repairs",
}

_PR_SET_PDEATHSIG = 1

# Progress is told at most this often; the parent writes each line to the store.
_REPORT_EVERY_S = 0.2


@dataclass(frozen=True)
class Order:
    """What the parent wants done.

    target      "module:function"
    clock_*     the instant the store's clock shows and its rate; None: the store's own clock
    """

    job_id: str
    target: str
    request: dict[str, Any]
    actor: str
    store_url: str
    clock_shows: str | None
    clock_rate: float

    @classmethod
    def for_job(cls, job: jobs.Job, *, target: str, store: Store) -> Order:
        clock = store.clock
        own = isinstance(clock, SystemClock) and not clock.is_set
        return cls(
            job_id=job.job_id,
            target=target,
            request=job.request,
            actor=job.actor,
            store_url=store.engine.url.render_as_string(hide_password=False),
            clock_shows=None if own else format_instant(clock.now()),
            # A clock that is no SystemClock stands still.
            clock_rate=clock.rate if isinstance(clock, SystemClock) else 0.0,
        )

    def open_store(self) -> Store:
        if self.clock_shows is None:
            return open_store(self.store_url)
        shows = parse_instant(self.clock_shows)
        return open_store(
            self.store_url, clock=SystemClock.starting_at(shows, rate=self.clock_rate)
        )


@dataclass(frozen=True)
class Work:
    """What a kind's function is given.

    A job whose process was killed is carried out again: the work finds by `job_id` what the run
    before has written, and does not write it twice.

    progress  to be called often
    tell      adds a message (level, code, text, arguments) to the job
    """

    store: Store
    job_id: str
    request: dict[str, Any]
    actor: str
    progress: Progress
    tell: Callable[..., None] = field(repr=False)


def make_plan(work: Work) -> dict[str, Any]:
    """Plan as the request says, keep the draft, publish it if asked; gives plan_id and version."""
    from api.planning import records
    from api.planning.plan import compute_plan

    request = records.PlanRequest.from_document(work.request)
    with work.store.reading() as connection:
        plan_id = plans.made_by(connection, work.job_id)
    if plan_id is None:
        work.progress(0.0, "loading")
        inputs = records.load(work.store, request)
        plan = compute_plan(inputs, part(work.progress, 0.02, 0.97))
        for text in plan.messages:
            work.tell("note", "plan_note", str(text))
        work.progress(0.97, "saving the draft")
        plan_id = records.save_draft(work.store, plan, work.actor, job_id=work.job_id)
    if not request.publish:
        return {"plan_id": plan_id}
    work.progress(0.99, "publishing")
    return {"plan_id": plan_id, "version": _publish(work, plan_id)}


def make_forecast(work: Work) -> dict[str, Any]:
    """Forecast as the request says and keep the version; gives forecast_id."""
    from api.planning import forecasts

    request = forecasts.ForecastRequest.from_document(work.request)
    forecast_id = forecasts.make(work.store, request, work.actor, work.progress, job_id=work.job_id)
    for text in forecasts.load(work.store, forecast_id).notes:
        work.tell("note", "forecast_note", text)
    return {"forecast_id": forecast_id}


def make_certificate(work: Work) -> dict[str, Any]:
    """Certify the plan that the request names anew; gives certificate_id."""
    from api.planning import certificates

    request = certificates.CertifyRequest.from_document(work.request)
    certificate_id = certificates.certify_plan(
        work.store, request, work.actor, work.progress, job_id=work.job_id
    )
    return {"certificate_id": certificate_id}


def resolve_draft(work: Work) -> dict[str, Any]:
    """Solve a draft again as the request says; gives draft_id, the edit's seq and agent-days.

    The seq is None where nothing was worth changing, so that no edit was made.
    """
    from api.planning import drafts, resolving

    request = resolving.ResolveRequest.from_document(work.request)
    with work.store.reading() as connection:
        seq = draft_rows.edit_of_job(connection, work.job_id)
    if seq is None:
        solved = resolving.resolve(
            work.store, request, actor=work.actor, progress=work.progress, job_id=work.job_id
        )
        for text in solved.messages:
            work.tell("note", "roster_note", text)
    edits = drafts.load_draft(work.store, request.draft_id).edits
    made = next((edit for edit in edits if edit.job_id == work.job_id), None)
    return {
        "draft_id": request.draft_id,
        "seq": made and made.seq,
        "changed": len(made.document["changes"]) if made else 0,
    }


def publish_draft(work: Work) -> dict[str, Any]:
    """Check, certify and publish a draft; gives plan_id, version and violations."""
    from api.planning import publishing

    request = publishing.PublishRequest.from_document(work.request)
    done = publishing.publish(
        work.store,
        work.request["draft_id"],
        request,
        actor=work.actor,
        progress=work.progress,
        job_id=work.job_id,
    )
    return _told(work, done)


def republish_plan(work: Work) -> dict[str, Any]:
    """Put an earlier version in force again; gives plan_id, version and violations."""
    from api.planning import publishing

    request = publishing.PublishRequest.from_document(work.request)
    done = publishing.republish(
        work.store,
        work.request["plan_id"],
        request,
        actor=work.actor,
        progress=work.progress,
        job_id=work.job_id,
    )
    return _told(work, done)


def rank_repairs(work: Work) -> dict[str, Any]:
    """Rank what could be done about a scenario; gives the repairs as a document. Keeps nothing."""
    from api.planning.whatif import scenarios
    from wfm.store.documents import to_document

    request = scenarios.RepairsRequest.from_document(work.request)
    found = scenarios.repairs(
        work.store,
        request.scenario,
        which=request.which,
        replications=request.replications,
        progress=work.progress,
    )
    document: dict[str, Any] = to_document(found)
    return document


def _told(work: Work, done: Published) -> dict[str, Any]:
    for violation in done.violations:
        work.tell("warning", "rule_broken", f"rule broken: {violation}")
    return {
        "plan_id": done.plan_id,
        "version": done.version,
        "violations": list(done.violations),
    }


def _publish(work: Work, plan_id: int) -> int:
    """The plan's version, publishing it unless a run before did. Cancelled when no one wants it."""
    with work.store.writing(work.actor) as writing:
        held = plans.find(writing.connection, plan_id)
        if held.version is not None:
            return held.version
        if not jobs.is_wanted(writing.connection, work.job_id):
            raise Cancelled(f"job {work.job_id} was cancelled; plan {plan_id} is not published")
        return plans.publish(writing, plan_id)


class _Reporter:
    """Writes lines to the parent; progress no more often than is worth it."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self._said = ("", 0.0)

    def say(self, document: Mapping[str, Any]) -> None:
        with self._lock:
            self._pipe.write(json.dumps(document, default=str) + "\n")
            self._pipe.flush()

    def progress(self, done: float, stage: str) -> None:
        last_stage, at = self._said
        now = time.monotonic()
        if stage == last_stage and now - at < _REPORT_EVERY_S:
            return
        self._said = (stage, now)
        self.say({"done": float(done), "stage": stage})

    def tell(self, level: str, code: str, text: str, **arguments: Any) -> None:
        self.say({"message": {"level": level, "code": code, "text": text, "arguments": arguments}})


def _die_with(parent: int) -> None:
    """End this process when the parent ends, however it ends.

    The kernel kills us on Linux; everywhere the pipe from the parent ends, and then our whole
    group goes, with whatever a library has started.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _watch_pipe() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def _function(target: str) -> Callable[[Work], Mapping[str, Any]]:
    module, _, name = target.partition(":")
    return cast(Callable[[Work], Mapping[str, Any]], getattr(importlib.import_module(module), name))


def carry_out(order: Order, reporter: _Reporter) -> None:
    """Do the work and say what came of it."""
    store = order.open_store()
    try:
        work = Work(
            store=store,
            job_id=order.job_id,
            request=order.request,
            actor=order.actor,
            progress=reporter.progress,
            tell=reporter.tell,
        )
        reporter.say({"result": _function(order.target)(work)})
    except WfmError as error:
        reporter.say({"problem": problem_of(error)})
    except Exception as error:
        logging.getLogger("wfm.worker").exception("job %s failed", order.job_id)
        document = internal_problem()
        document["detail"] = f"the job failed by a fault of ours: {type(error).__name__}: {error}"
        reporter.say({"problem": document})
    finally:
        store.close()


def _read_line() -> bytes:
    """One line of standard input, unbuffered, since the watcher reads the rest."""
    line = bytearray()
    while (byte := os.read(0, 1)) not in (b"", b"\n"):
        line += byte
    return bytes(line)


def main() -> None:
    report_fd, parent = int(sys.argv[1]), int(sys.argv[2])
    _die_with(parent)
    order = Order(**json.loads(_read_line()))
    threading.Thread(target=_watch_pipe, daemon=True).start()
    with os.fdopen(report_fd, "w", encoding="utf-8") as pipe:
        carry_out(order, _Reporter(pipe))


if __name__ == "__main__":
    main()
