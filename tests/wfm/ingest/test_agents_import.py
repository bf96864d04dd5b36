"""Agents: several rows make one, every fault is told, and a bad agent is left out whole."""

from __future__ import annotations

from datetime import date

import pytest

from wfm.errors import FileFaults
from wfm.ingest.agents import import_agents
from wfm.people import Limit, Preference
from wfm.store.engine import Store
from wfm.store.people import load_agents

HEADER = "agent_id,name,contract,contract_from,contract_to,skills,availability,time_off,preferences"
PERSONAL = "agent_id,name,contract,contract_from,skills,preferences,limits,roles"
GOOD = "a1,Ada,full,2025-01-01,,x:4,,,"


def faults_of(store: Store, path) -> list[str]:
    with pytest.raises(FileFaults) as caught:
        import_agents(store, path, actor="tester")
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a2,Ben,full,2025-01-01,,,,,", "a2 has no skill"),
        ("a2,Ben,full,2025-01-01,,y:3,,,", "no queue of that name"),
        ("a2,Ben,full,2025-01-01,,x:9,,,", "a level is 1 to 5"),
        ("a2,Ben,full,2025-01-01,,x;x:2,,,", "named twice"),
        ("a2,Ben,ful,2025-01-01,,x,,,", "did you mean 'full'"),
        ("a2,Ben,full,01.01.2025,,x,,,", "write it as 2026-03-02"),
        ("a2,Ben,full,2025-01-01,2024-01-01,x,,,", "ends before it begins"),
        ("a2,Ben,full,2025-01-01,,x,9 to 5,,", "mon-fri 09:00-18:00"),
        ("a2,Ben,full,2025-01-01,,x,,2026-03-06..2026-03-02,", "ends before it begins"),
        ("a2,Ben,full,2025-01-01,,x,,,off:someday", "no weekday"),
        ("a2,Ben,full,2025-01-01,,x,,,avoid:late", "no shift template"),
        ("a2,Ben,full,2025-01-01,,x,,,likes:early", "prefer:TEMPLATE"),
        ("a2,Ben,full,2025-01-01,,x,,,off:sat:0", "not above 0"),
        ("a2,,full,2025-01-01,,x,,,", "want a name"),
        (",Ben,full,2025-01-01,,x,,,", "want an id"),
        ("a1,Bob,part,2024-01-01,2024-12-31,,,,", "says 'Ada' of a1"),
        ("a1,,part,2025-06-01,,,,,", "overlaps the contract 'full' of a1"),
    ],
)
def test_a_bad_row_is_told_and_nothing_is_written(
    local: Store, make_file, contents, row: str, words: str
):
    before = contents(local)
    (fault,) = faults_of(local, make_file(HEADER, GOOD, row))
    assert fault.startswith("line 3")
    assert words in fault
    assert contents(local) == before


def test_a_bad_agent_is_left_out_whole_when_bad_rows_are_skipped(local: Store, make_file):
    path = make_file(
        HEADER,
        GOOD,
        "a2,Ben,full,2024-01-01,2024-12-31,x,,,",
        "a2,Ben,nothing,2025-01-01,,,,,",
    )
    report = import_agents(local, path, actor="tester", skip_bad=True)
    assert (report.written, report.skipped) == (1, 2)
    with local.reading() as connection:
        assert [agent.agent_id for agent in load_agents(connection)] == ["a1"]


def test_the_same_agents_twice_change_nothing_and_others_need_replace(
    branded: Store, make_file, contents
):
    import_agents(branded, make_file(HEADER, GOOD), actor="tester")
    before = contents(branded)
    again = import_agents(branded, make_file(HEADER, GOOD), actor="tester")
    assert (again.unchanged, again.changed) == (1, False)
    other = make_file(HEADER, GOOD.replace("x:4", "x:5"))
    assert "--replace" in faults_of(branded, other)[0]
    assert contents(branded) == before
    assert import_agents(branded, other, actor="tester", replace=True).replaced == 1


def personal(preferences: str = "", limits: str = "", roles: str = "", *, number: int = 1) -> str:
    return f"a{number},Ada,full,2025-01-01,x,{preferences},{limits},{roles}"


def test_a_wish_may_be_for_a_weekday_or_a_date(local: Store, make_file):
    wishes = "off:sat; off:2026-12-24:3; off:20261225; prefer:early@2026-12-24:2; avoid:night@sat"
    import_agents(local, make_file(PERSONAL, personal(wishes)), actor="tester")
    with local.reading() as connection:
        (ada,) = load_agents(connection)
    assert ada.preferences == (
        Preference("day_off", "sat"),
        Preference("day_off", "2026-12-24", 3.0),
        Preference("day_off", "2026-12-25"),
        Preference("prefer_template", "early", 2.0, "2026-12-24"),
        Preference("avoid_template", "night", 1.0, "sat"),
    )


def test_limits_and_roles_are_read(local: Store, make_file):
    limits = (
        "no_nights; max_hours_per_day:6@..2026-06-30; hours:06:00-22:00@2026-01-01..2026-12-31; "
        "max_hours_per_week:30@2026-03-01.."
    )
    path = make_file(PERSONAL, personal("", limits, "supervisor; mentor;supervisor"))
    import_agents(local, path, actor="tester")
    with local.reading() as connection:
        (ada,) = load_agents(connection)
    assert ada.limits == (
        Limit("no_nights"),
        Limit("max_hours_per_day", 6, until=date(2026, 6, 30)),
        Limit(
            "hours",
            from_min=360,
            to_min=1320,
            since=date(2026, 1, 1),
            until=date(2026, 12, 31),
        ),
        Limit("max_hours_per_week", 30, since=date(2026, 3, 1)),
    )
    assert ada.roles == ("supervisor", "mentor")
    assert import_agents(local, path, actor="tester").unchanged == 1


# A cell of an agent, and what is told of it.
UNREADABLE: list[tuple[dict[str, str], str]] = [
    ({"preferences": "off:2026-13-24"}, "no weekday and no date"),
    ({"preferences": "prefer:early@someday"}, "no weekday and no date"),
    ({"preferences": "prefer:erly@sat"}, "did you mean 'early'"),
    ({"limits": "no_night"}, "did you mean 'no_nights'"),
    ({"limits": "no_nights:3"}, "takes no figure"),
    ({"limits": "max_hours_per_day:25"}, "at most 24"),
    ({"limits": "max_hours_per_week:0"}, "above 0"),
    ({"limits": "max_hours_per_week"}, "such as max_hours_per_week:6"),
    ({"limits": "hours:22:00-06:00"}, "end before they begin"),
    ({"limits": "hours:6-22"}, "write it as 09:00"),
    ({"limits": "no_nights@2026-01-01"}, "@2026-01-01..2026-12-31"),
    ({"limits": "no_nights@.."}, "@2026-01-01..2026-12-31"),
    ({"limits": "no_nights@2026-02-01..2026-01-01"}, "ends before it begins"),
    ({"limits": "no_nights@1.1.26.."}, "write it as 2026-03-02"),
    ({"roles": "r" * 81}, "up to 80 characters"),
]


def test_every_wish_limit_and_role_that_is_none_is_told_at_once(local: Store, make_file):
    rows = [personal(**cells, number=n) for n, (cells, _) in enumerate(UNREADABLE)]
    told = faults_of(local, make_file(PERSONAL, *rows))

    assert len(told) == len(UNREADABLE)
    for line, (fault, (_, words)) in enumerate(zip(told, UNREADABLE, strict=True), start=2):
        assert fault.startswith(f"line {line},")
        assert words in fault
