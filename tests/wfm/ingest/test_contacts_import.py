"""Contacts: kept one by one, rolled up to quarter-hours, exactly once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wfm.errors import FileFaults
from wfm.ingest.contacts import import_contacts
from wfm.ingest.history import load_volumes
from wfm.store.engine import Store

HEADER = "contact_id,arrival,queue,author,handling_s"
ROWS = (
    "t1,2026-02-03T09:02:11Z,x,@a,380",
    "t2,2026-02-03T09:14:59Z,x,@b,100",
    "t3,2026-02-03T09:47:30Z,x,@c,",
)


def counts(store: Store, queue: str = "x") -> list[tuple[str, int]]:
    with store.reading() as connection:
        table = load_volumes(connection, queues=[queue])
    return [(f"{s:%H:%M}", c) for s, c in zip(table["start"], table["contacts"], strict=True)]


def test_a_quarter_hour_without_contact_counts_as_zero_inside_the_span_only(
    local: Store, make_file
):
    import_contacts(local, make_file(HEADER, *ROWS), actor="tester")
    assert counts(local) == [("09:00", 2), ("09:15", 0), ("09:30", 0), ("09:45", 1)]


def test_handling_times_are_averaged_over_the_contacts_that_have_one(local: Store, make_file):
    import_contacts(local, make_file(HEADER, *ROWS), actor="tester")
    with local.reading() as connection:
        aht = load_volumes(connection)["aht_s"]
    assert aht.iloc[0] == 240
    assert aht.iloc[1:].isna().all()


def test_the_same_contacts_twice_change_nothing(branded: Store, make_file, contents):
    import_contacts(branded, make_file(HEADER, *ROWS), actor="tester")
    before = contents(branded)
    again = import_contacts(branded, make_file(HEADER, *ROWS), actor="tester")
    assert (again.unchanged, again.changed) == (3, False)
    assert contents(branded) == before


def test_two_files_that_meet_in_a_quarter_hour_count_together(branded: Store, make_file):
    import_contacts(branded, make_file(HEADER, *ROWS[:2]), actor="tester")
    import_contacts(branded, make_file(HEADER, "t9,2026-02-03T09:05Z,x,@d,"), actor="tester")
    assert counts(branded) == [("09:00", 3)]


def test_the_stage_does_not_say_writing_when_a_bad_row_forbids_it(local: Store, make_file):
    stages: list[str] = []
    with pytest.raises(FileFaults):
        import_contacts(
            local,
            make_file(HEADER, *ROWS, "t4,never,x,@d,"),
            actor="tester",
            progress=lambda done, stage: stages.append(stage),
        )
    assert stages[-1] == "comparing with the store"
    assert "writing contacts" not in stages


def test_a_changed_contact_needs_replace_and_leaves_its_old_place(
    branded: Store, make_file, contents
):
    import_contacts(branded, make_file(HEADER, *ROWS), actor="tester")
    before = contents(branded)
    moved = make_file(HEADER, ROWS[2].replace(",x,", ",email,"))
    with pytest.raises(FileFaults, match="--replace"):
        import_contacts(branded, moved, actor="tester")
    assert contents(branded) == before

    assert import_contacts(branded, moved, actor="tester", replace=True).replaced == 1
    assert counts(branded)[-1] == ("09:45", 0)
    assert counts(branded, "email") == [("09:45", 1)]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("t1,2026-02-03T10:00Z,x,@d,", "stands on line 2 already"),
        (",2026-02-03T10:00Z,x,@d,", "empty"),
        ("t9,2026-02-03T10:00Z,x,,", "empty"),
        ("t9,2026-02-03,x,@d,", "no time of day"),
        ("t9,2026-02-03T10:00Z,z,@d,", "no queue of that name"),
        ("t9,2026-02-03T10:00Z,x,@d,0", "above 0 seconds"),
        ("t9,2026-02-03T10:00Z,x,@d", "4 cells"),
    ],
)
def test_a_bad_row_is_told_or_skipped(local: Store, make_file, contents, row: str, words: str):
    before = contents(local)
    path = make_file(HEADER, *ROWS, row)
    with pytest.raises(FileFaults) as caught:
        import_contacts(local, path, actor="tester")
    (fault,) = caught.value.faults
    assert fault.line == 5
    assert words in fault.remedy
    assert contents(local) == before

    report = import_contacts(local, path, actor="tester", skip_bad=True)
    assert (report.rows_read, report.written, report.skipped) == (4, 3, 1)


def test_a_repeated_local_hour_can_be_taken_as_its_first(local: Store, make_file):
    path = make_file(HEADER, "t1,2025-10-26 02:30:00,x,@a,")
    with pytest.raises(FileFaults, match="--ambiguous first"):
        import_contacts(local, path, actor="tester", zone="Europe/Berlin")
    import_contacts(local, path, actor="tester", zone="Europe/Berlin", ambiguous="first")
    assert counts(local) == [("00:30", 1)]


def test_rolled_up_counts_equal_a_count_by_hand_over_months(branded: Store, make_file):
    start = datetime(2026, 1, 5, tzinfo=UTC)
    stamps = [start + timedelta(minutes=37 * i * (i % 5 + 1)) for i in range(400)]
    rows = [f"t{i},{s:%Y-%m-%dT%H:%M:%SZ},x,@a," for i, s in enumerate(stamps)]
    import_contacts(branded, make_file(HEADER, *rows), actor="tester")
    with branded.reading() as connection:
        table = load_volumes(connection)
    assert table["contacts"].sum() == 400
    assert len(table) == (max(stamps) - min(stamps)) // timedelta(minutes=15) + 1
    by_hand = {int(s.timestamp()) // 900 * 900 for s in stamps}
    assert {int(s.timestamp()) for s in table.loc[table["contacts"] > 0, "start"]} == by_hand
