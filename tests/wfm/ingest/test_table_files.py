"""Reading CSV and Parquet in pieces: exact lines, every shape of header, bounded faults."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.errors import RequestError
from wfm.ingest import tables
from wfm.ingest.faults import KEPT, Faults
from wfm.ingest.tables import Column, open_table

WANTED = (Column("a"), Column("b", required=False))


def read(path: Path) -> tuple[list[tuple[int, str]], list[str]]:
    """(line, cell of column a), and the faults."""
    faults = Faults(path.name)
    table = open_table(path, faults)
    cells: list[tuple[int, str]] = []
    if table is not None:
        for piece in table.pieces(WANTED, faults):
            cells += zip(piece.lines.tolist(), piece.cells["a"], strict=True)
    return cells, [str(fault) for fault in faults.kept]


@pytest.mark.parametrize(
    "data",
    [
        b"a,b\n1,2\n3,4\n",
        b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4\r\n",
        b"a;b\n1;2\n3;4",
        b"b\ta\n2\t1\n4\t3\n",
        b'"a", b\n 1 ,2\n"3",4\n',
    ],
    ids=["commas", "byte-order mark", "semicolons", "tabs", "quotes and blanks"],
)
def test_the_usual_kinds_of_csv_are_the_same(make_file, data: bytes):
    assert read(make_file(data=data)) == ([(2, "1"), (3, "3")], [])


def test_lines_count_as_an_editor_counts(make_file):
    cells, faults = read(make_file(data=b'a,b\n1,"two\nlines"\n\n4\n5,6\n'))
    assert cells == [(2, "1"), (6, "5")]
    assert [f.split(":")[0] for f in faults] == ["line 5"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.tuples(st.text('ab\n" ;,', max_size=5), st.just("z")), min_size=1, max_size=30)
)
def test_pieces_of_any_size_give_what_one_reading_gives(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("pieces") / "file.csv"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("a", "b"), *rows])
    path.write_text(text.getvalue(), encoding="utf-8")
    patched = pytest.MonkeyPatch()
    with patched.context() as context:
        context.setattr(tables, "ROWS", 3)
        cells, faults = read(path)
    assert faults == []
    assert [cell for _, cell in cells] == [a.strip() for a, _ in rows]
    lines = path.read_text(encoding="utf-8").split("\n")
    starts, at = [], 2
    for a, _ in rows:
        starts.append(at)
        at += 1 + a.count("\n")
    assert [line for line, _ in cells] == starts
    assert at == len(lines)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"  \n\n", "empty"),
        (b"\n1,2\n", "first line is blank"),
        (b"a,a\n1,2\n", "stands 2 times"),
        (b"A,b\n1,2\n", "rename 'A' to 'a'"),
        (b"x,y\n1,2\n", "the file has x, y"),
        (b"a,b\n", "no row under it"),
        (b"a,b\n1,2\n\x00\x00", "no text"),
        (b"\xff\xfea\x00", "UTF-16"),
        (b"a,b\n1,2\n3,\xe9\n", "line 3"),
        (b'a,b\n1,2\n3,"4\n5,6\n', "quotation mark"),
        (b"PAR1 and then nothing", "cannot be read"),
    ],
)
def test_what_is_no_table_is_told(make_file, data: bytes, words: str):
    _, faults = read(make_file(data=data))
    assert len(faults) == 1
    assert words in faults[0]


def test_a_csv_called_parquet_is_told(make_file):
    _, faults = read(make_file("a,b", "1,2", name="file.parquet"))
    assert "no Parquet file" in faults[0]


def test_parquet_cells_read_as_text(tmp_path: Path):
    path = tmp_path / "file.bin"
    pq.write_table(pa.table({"a": pa.array([1, None, 3]), "c": pa.array([1.5, 2, 3])}), path)
    assert read(path) == ([(1, "1"), (2, ""), (3, "3")], [])


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(RequestError, match="is not a file"):
        open_table(tmp_path, Faults())


def test_faults_beyond_the_cap_are_counted_not_kept(make_file):
    faults = Faults("f")
    for line in range(KEPT + 5):
        faults.add(line, "a", "x" * 200, "wrong")
    assert (len(faults.kept), faults.total) == (KEPT, KEPT + 5)
    assert "10005 faults" in str(faults.error())
    assert max(len(fault.value) for fault in faults.kept) == 80
