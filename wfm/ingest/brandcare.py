"""The brand file's `[care]`: handles, triage, targets, exceptions, retention; all optional."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, cast

from wfm.brands import CHANNELS, Market, Queue
from wfm.calendars import ServiceWindow
from wfm.care import Care, Exceptions, Handle, ResolutionTarget, Retention, Triage
from wfm.ingest.brandpolicy import named_queue, read_ladder, read_policy
from wfm.ingest.brandqueues import read_window
from wfm.ingest.faults import choose
from wfm.ingest.hours import Slot
from wfm.ingest.tomltable import TomlTable
from wfm.roles import ROLES
from wfm.triage.handles import OPENS, plain_name
from wfm.triage.words import fold

LEVEL_MAX = 5  # of a skill
YEARS_S = 10 * 366 * 86_400

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


def read_care(
    top: TomlTable,
    zone: str,
    markets: tuple[Market, ...],
    hours: dict[str, list[Slot]],
    queues: tuple[Queue, ...],
) -> Care:
    """How the brand cares for its customers; what the file leaves out takes the default.

    zone, markets, hours, queues   of the same file, as they were read before
    """
    default = Care()
    table = top.table("care")
    care = Care(
        handles=_handles(table, zone, markets, hours, queues),
        triage=_triage(table.table("triage"), queues),
        basic=_target(table.table("basic"), default.basic),
        complaint=_target(table.table("complaint"), default.complaint),
        ladder=read_ladder(table, queues),
        policy=read_policy(table.table("policy"), queues),
        exceptions=_exceptions(table.table("exceptions")),
        retention=_retention(table.table("retention")),
        lease_s=table.whole("lease_s", default.lease_s, low=30, high=86_400),
        reopen_s=table.whole("reopen_s", default.reopen_s, high=YEARS_S),
        close_s=table.whole("close_s", default.close_s, high=YEARS_S),
        heartbeat_s=table.whole("heartbeat_s", default.heartbeat_s, low=10, high=86_400),
        automatic=table.flag("automatic", default.automatic),
        repeat_s=table.whole("repeat_s", default.repeat_s, low=1, high=YEARS_S),
        badge_window_s=table.whole("badge_window_s", default.badge_window_s, low=1, high=YEARS_S),
    )
    table.done()
    return care


def _target(table: TomlTable, default: ResolutionTarget) -> ResolutionTarget:
    target = ResolutionTarget(
        table.whole("threshold_s", default.threshold_s, low=1, high=YEARS_S),
        table.whole("warn_s", default.warn_s, low=1, high=YEARS_S),
    )
    if target.warn_s > target.threshold_s:
        table.fault(
            "warn_s",
            f"the warning would come after the {target.threshold_s} s that are promised; "
            "write less",
            target.warn_s,
        )
    table.done()
    return target


# -- handles -------------------------------------------------------------------------------------


def _handles(
    care: TomlTable,
    zone: str,
    markets: tuple[Market, ...],
    hours: dict[str, list[Slot]],
    queues: tuple[Queue, ...],
) -> tuple[Handle, ...]:
    found: list[tuple[TomlTable, Handle]] = []
    taken: dict[tuple[str, str], int] = {}
    for number, table in enumerate(care.tables("handles"), start=1):
        handle = Handle(
            name=table.text("name"),
            channel=table.choice("channel", CHANNELS),
            queue=named_queue(table, "queue", queues),
            kind=cast(Literal["care", "brand"], table.choice("kind", ("care", "brand"), "care")),
            window=_hours(table, zone, markets, hours),
            off_hours_notice=_notice(table),
            care_handle=table.text_if_any("care_handle"),
        )
        key = (handle.channel, plain_name(handle.name))
        if key in taken:
            table.fault(
                "name", f"number {taken[key]} of the list is that handle already", handle.name
            )
        taken.setdefault(key, number)
        table.done()
        found.append((table, handle))
    helping = [handle.name for _, handle in found if handle.kind == "care"]
    helping += [queue.handle for queue in queues]
    for table, handle in found:
        _check_redirect(table, handle, helping)
    return tuple(handle for _, handle in found)


def _hours(
    table: TomlTable, zone: str, markets: tuple[Market, ...], hours: dict[str, list[Slot]]
) -> ServiceWindow | None:
    if "window" not in table:
        table.asked.add("window")
        return None
    return read_window(table, zone, markets, hours)[0]


def _notice(table: TomlTable) -> str:
    notice = table.text_if_any("off_hours_notice")
    for found in _PLACEHOLDER.findall(notice):
        if found != OPENS:
            table.fault("off_hours_notice", f"only {OPENS} is filled in a notice", found)
    return notice


def _check_redirect(table: TomlTable, handle: Handle, helping: Sequence[str]) -> None:
    if not handle.care_handle:
        return
    if handle.kind != "brand":
        table.fault(
            "care_handle",
            'only a handle of kind = "brand" sends complaints on',
            handle.care_handle,
        )
    elif plain_name(handle.care_handle) not in {plain_name(name) for name in helping}:
        table.fault(
            "care_handle",
            f"no handle of that name stands there to help; {choose(handle.care_handle, helping)}",
            handle.care_handle,
        )


# -- triage --------------------------------------------------------------------------------------


def _triage(table: TomlTable, queues: tuple[Queue, ...]) -> Triage:
    default = Triage()
    reach = default.influencer_reach
    if "influencer_reach" in table:
        reach = table.whole("influencer_reach", low=1, high=2**31 - 1)
    table.asked.add("influencer_reach")
    triage = Triage(
        own_authors=_listed(table, "own_authors"),
        blocked_authors=_listed(table, "blocked_authors"),
        regulators=_listed(table, "regulators"),
        influencers=_listed(table, "influencers"),
        press=_listed(table, "press"),
        influencer_reach=reach,
        spam_words=_words(table, "spam_words"),
        complaint_words=_words(table, "complaint_words"),
        sensitive_words=_words(table, "sensitive_words"),
        specialist_queue=named_queue(table, "specialist_queue", queues, required=False),
        specialist_level=table.whole(
            "specialist_level", default.specialist_level, low=1, high=LEVEL_MAX
        ),
    )
    _check_contradictions(table, triage)
    table.done()
    return triage


def _listed(table: TomlTable, key: str) -> tuple[str, ...]:
    """Texts that are not empty, each once."""
    texts = table.texts(key, ())
    if not all(texts):
        table.fault(key, "one of the texts is empty; take it out")
    return tuple(dict.fromkeys(text for text in texts if text))


def _words(table: TomlTable, key: str) -> tuple[str, ...]:
    words = _listed(table, key)
    for word in words:
        if not fold(word).strip():
            table.fault(key, "of this nothing is left without accents; write a letter", word)
    return words


def _check_contradictions(table: TomlTable, triage: Triage) -> None:
    """What is spam is never read: neither people nor words can be spam and something else."""
    for key, words in (
        ("complaint_words", triage.complaint_words),
        ("sensitive_words", triage.sensitive_words),
    ):
        for word in _shared(words, triage.spam_words):
            table.fault(
                key, "it stands in spam_words too, so nobody would ever read it; choose one", word
            )
    for key, authors in (
        ("regulators", triage.regulators),
        ("influencers", triage.influencers),
        ("press", triage.press),
    ):
        for dropped in ("own_authors", "blocked_authors"):
            for author in sorted(set(authors) & set(getattr(triage, dropped))):
                table.fault(key, f"it stands in {dropped} too; choose one", author)


def _shared(words: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    folded = {fold(word) for word in others}
    return (word for word in words if fold(word) in folded)


# -- exceptions and retention ----------------------------------------------------------------------


def _exceptions(table: TomlTable) -> Exceptions:
    """Limits by role; roles that are not named keep their default."""
    limits = dict(Exceptions().limits)
    for role in ROLES:
        if role in table or role in limits:
            limits[role] = table.number(role, limits.get(role))
    table.asked |= set(ROLES)
    table.done()
    return Exceptions(tuple(limits.items()))


def _retention(table: TomlTable) -> Retention:
    days = {}
    for key in ("messages_days", "raw_days"):
        days[key] = table.whole(key, low=1, high=36_600) if key in table else None
        table.asked.add(key)
    table.done()
    return Retention(**days)
