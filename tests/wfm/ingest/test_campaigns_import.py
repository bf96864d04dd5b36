"""Campaigns: defaults, and every fault told."""

from __future__ import annotations

import pytest

from wfm.errors import FileFaults
from wfm.ingest.campaigns import import_campaigns
from wfm.store.campaigns import load_campaigns
from wfm.store.engine import Store

HEADER = "name,start,end,queues,category,reach,peak_uplift,rise_min,half_life_min"
GOOD = "Sale,2026-03-09 09:00,2026-03-09 18:00,x,campaign,100,0.8,45,180"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("B,2026-03-09 18:00,2026-03-09 09:00,x,,,,,", "ends before it starts"),
        ("B,2026-03-09 18:00,2026-03-09 18:00,x,,,,,", "ends before it starts"),
        ("Sale,2026-03-09 09:00,2026-03-09 18:00,x,,,,,", "stands on line 2 already"),
        (",2026-03-09 09:00,2026-03-09 18:00,x,,,,,", "want a name"),
        ("B,tomorrow,2026-03-09 18:00,x,,,,,", "this is no time"),
        ("B,2026-03-29 02:30,2026-03-29 18:00,x,,,,,", "does not exist in Europe/Berlin"),
        ("B,2026-10-25 02:30,2026-10-25 18:00,x,,,,,", "happens twice in Europe/Berlin"),
        ("B,2026-03-09 09:00,2026-03-09 18:00,y,,,,,", "no queue of that name"),
        ("B,2026-03-09 09:00,2026-03-09 18:00,x,promo,,,,", "use one of"),
        ("B,2026-03-09 09:00,2026-03-09 18:00,x,,1.5,,,", "counted whole"),
        ("B,2026-03-09 09:00,2026-03-09 18:00,x,,,-1,,", "0 or more"),
        ("B,2026-03-09 09:00,2026-03-09 18:00,x,,,,,0", "above 0"),
        ("B,2026-03-09 09:00,2026-03-09 18:00,x,,,lots,,", "no number"),
    ],
)
def test_a_bad_row_is_told_and_nothing_is_written(
    local: Store, make_file, contents, row: str, words: str
):
    before = contents(local)
    with pytest.raises(FileFaults) as caught:
        import_campaigns(local, make_file(HEADER, GOOD, row), actor="tester")
    (fault,) = caught.value.faults
    assert fault.line == 3
    assert words in fault.remedy
    assert contents(local) == before


def test_the_same_campaigns_twice_change_nothing_and_others_need_replace(
    branded: Store, make_file, contents
):
    import_campaigns(branded, make_file(HEADER, GOOD), actor="tester")
    before = contents(branded)
    assert import_campaigns(branded, make_file(HEADER, GOOD), actor="tester").unchanged == 1
    other = make_file(HEADER, GOOD.replace("0.8", "0.9"))
    with pytest.raises(FileFaults, match="--replace"):
        import_campaigns(branded, other, actor="tester")
    assert contents(branded) == before
    assert import_campaigns(branded, other, actor="tester", replace=True).replaced == 1


@pytest.mark.parametrize(
    ("queues", "channels", "reached"),
    [
        ("", "", ("x", "email", "linkedin")),
        ("email", "", ("email",)),
        ("", "x", ("x",)),
        ("", "linkedin; email", ("email", "linkedin")),
        ("email", "x", ("email", "x")),
        ("x", "x", ("x",)),
    ],
)
def test_channels_choose_the_queues_on_them_beside_those_named(
    branded: Store, make_file, queues: str, channels: str, reached: tuple[str, ...]
):
    row = f"Sale,2026-03-09 09:00,2026-03-09 18:00,{queues},{channels}"
    import_campaigns(branded, make_file("name,start,end,queues,channels", row), actor="tester")
    with branded.reading() as connection:
        (campaign,) = load_campaigns(connection)
    assert campaign.queues == reached


def test_a_channel_without_a_queue_is_told(branded: Store, make_file):
    row = "Sale,2026-03-09 09:00,2026-03-09 18:00,,x;emial"
    with pytest.raises(FileFaults) as caught:
        import_campaigns(branded, make_file("name,start,end,queues,channels", row), actor="tester")
    (fault,) = caught.value.faults
    assert (fault.line, fault.column, fault.value) == (2, "channels", "emial")
    assert fault.remedy == "the brand has no queue on that channel; did you mean 'email'?"
