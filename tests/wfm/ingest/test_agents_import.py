"""Agents: several rows make one, every fault is told, and a bad agent is left out whole."""

from __future__ import annotations

import pytest

from wfm.errors import FileFaults
from wfm.ingest.agents import import_agents
from wfm.store.engine import Store
from wfm.store.people import load_agents

HEADER = "agent_id,name,contract,contract_from,contract_to,skills,availability,time_off,preferences"
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
