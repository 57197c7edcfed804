"""Reading what users bring: encodings, separators, quotes, NUL, ragged rows, numbers that are ids."""

import codecs
import csv
import gzip
import io
import logging
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.errors import UserError
from podium.tables import columns_of, read_rows

AS_FOUND = {"encoding": None, "separator": None}
ROWS = [["id", "text", "label"], ["007", "第一行，标题", "科技"], ["008", "a, b; c | d", "体育"]]


def written(path: Path, rows: list[list[str]], separator: str, encoding: str) -> Path:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator).writerows(rows)
    data = buffer.getvalue().encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def rows_of(table: pd.DataFrame) -> list[list[str]]:
    return [list(table.columns), *table.to_numpy(dtype=object).tolist()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "utf-32"])
@pytest.mark.parametrize(
    ("name", "separator"), [("x.csv", ","), ("x.tsv", "\t"), ("x.csv.gz", ";"), ("x.txt", "|")]
)
def test_encoding_and_separator_are_found(tmp_path: Path, encoding: str, name: str, separator: str) -> None:
    path = written(tmp_path / name, ROWS, separator, encoding)
    assert rows_of(read_rows(path, columns=None, **AS_FOUND)) == ROWS
    assert columns_of(path, **AS_FOUND) == ROWS[0]
    assert rows_of(read_rows(path, columns=["label", "id"], **AS_FOUND))[1] == ["科技", "007"]


def test_accents_are_not_taken_for_chinese(tmp_path: Path) -> None:
    rows = [["id", "text"], ["1", "naïvement, le garçon"], ["2", "réfléchir, déjeuner"]]
    assert "\n".join(row[1] for row in rows).encode("cp1252").decode("gb18030")  # both encodings fit
    found = rows_of(read_rows(written(tmp_path / "x.csv", rows, ",", "cp1252"), columns=None, **AS_FOUND))
    assert found == rows


def test_encoding_given_wins_and_is_checked(tmp_path: Path) -> None:
    rows = [["id", "text"], ["1", "Привет, мир"]]
    path = written(tmp_path / "x.csv", rows, ",", "cp1251")
    assert rows_of(read_rows(path, columns=None, encoding="cp1251", separator=None)) == rows
    with pytest.raises(UserError, match="not in the encoding"):
        read_rows(path, columns=None, encoding="utf-8", separator=None)
    for name in ("gb18031", "hex"):
        with pytest.raises(UserError, match=f"unknown encoding '{name}'"):
            read_rows(path, columns=None, encoding=name, separator=None)


def test_bytes_that_no_encoding_explains(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,text\n1,\x81 \xff\n")
    with pytest.raises(UserError, match=r"x\.csv: neither UTF-8"):
        read_rows(path, columns=None, **AS_FOUND)


def test_invalid_byte_after_the_first_block(tmp_path: Path) -> None:
    body = "1,abc\n" * 400_000 + "2,标题标题\n"
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,text\n" + body.encode("gb18030"))
    assert read_rows(path, columns=None, **AS_FOUND)["text"].iloc[-1] == "标题标题"


def test_quoted_newlines_and_missing_values_are_kept_as_text(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b'id,text,label\r\n0042,"a\r\nb, ""c""",NA\r\n\r\n1e5,,null\r\n')
    table = read_rows(path, columns=None, **AS_FOUND)
    assert rows_of(table)[1:] == [["0042", 'a\r\nb, "c"', "NA"], ["1e5", "", "null"]]
    assert set(table.dtypes.astype(str)) == {"str"}


def test_nul_characters_are_dropped_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,te\0xt\n1,a\0b\0\n")
    with caplog.at_level(logging.WARNING):
        assert rows_of(read_rows(path, columns=None, **AS_FOUND)) == [["id", "text"], ["1", "ab"]]
    assert "dropped 3 NUL" in caplog.text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('1,"x\ny",a\n2,b\n', "line 4 has 2 fields, the header has 3"),
        ("1,x,a\n2,b,c,d\n", "line 3 has 4 fields, the header has 3"),
        ('1,"x"y,z,a\n', "line 2: .* must be doubled"),
        ('1,x,a\n2,"never, closed,b\n', "line 3: .* must be doubled"),
    ],
)
def test_ragged_rows_are_refused_with_their_line(tmp_path: Path, body: str, told: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,text,label\n" + body, newline="")
    with pytest.raises(UserError, match=told) as caught:
        read_rows(path, columns=None, **AS_FOUND)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "texts",
    [
        ['"quoted" start', "plain"],  # not valid as a quoted file
        ['"open', "between", 'closed"'],  # valid as a quoted file, with two rows eaten
        ['"open', "end"],
    ],
)
def test_stray_quotes_in_a_tab_file_eat_no_rows(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("label\ttext\n" + "".join(f"{n}\t{text}\n" for n, text in enumerate(texts)))
    assert read_rows(path, columns=["text"], **AS_FOUND)["text"].tolist() == texts


def test_a_text_longer_than_the_csv_modules_limit(tmp_path: Path) -> None:
    limit = 131_072
    csv.field_size_limit(limit)
    rows = [["id", "text"], ["1", "x, " * 400_000]]
    path = written(tmp_path / "x.csv", rows, ",", "utf-8")
    assert rows_of(read_rows(path, columns=None, **AS_FOUND)) == rows
    assert columns_of(path, **AS_FOUND) == rows[0]
    assert csv.field_size_limit() == limit


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.lists(st.text(max_size=12), min_size=3, max_size=3), max_size=8),
    separator=st.sampled_from(",\t;|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_unicode_survives_a_round_trip(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], separator: str, encoding: str
) -> None:
    path = written(
        tmp_path_factory.mktemp("x") / "x.csv", [["id", "text", "label"], *rows], separator, encoding
    )
    expected = [[value.replace("\0", "") for value in row] for row in rows]
    assert rows_of(read_rows(path, columns=None, **AS_FOUND))[1:] == expected


def test_json_lines_keep_the_text_of_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(
        '{"id": 12345678901234567890, "n": 1.0, "x": 0.10, "b": true, "t": "a\\u0000b"}\n\n'
        '{"id": "007", "n": null, "x": 1.0, "b": null, "t": "\\ud800", "new": -3}\n',
        encoding="utf-8",
    )
    table = read_rows(path, columns=None, **AS_FOUND)
    assert rows_of(table) == [
        ["id", "n", "x", "b", "t", "new"],
        ["12345678901234567890", "1", "0.10", "true", "ab", ""],
        ["007", "", "1.0", "", "\ufffd", "-3"],
    ]
    assert columns_of(path, **AS_FOUND) == ["id", "n", "x", "b", "t", "new"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"id": [1]}', "line 2: 'id' holds a list"),
        ("[1]", "line 2 is not a JSON obj"),
        ("{'a': 1}", "line 2 is not JSON"),
    ],
)
def test_json_lines_that_are_none(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": 1}\n' + line + "\n")
    with pytest.raises(UserError, match=told):
        read_rows(path, columns=["id"], **AS_FOUND)


def test_parquet_numbers_become_exact_text(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    table = pa.table(
        {
            "id": pa.array([9007199254740993, 2, None]),
            "whole": pa.array([1.0, None, 3.0]),
            "part": pa.array([0.1, 1.0, None], pa.float32()),
            "yes": pa.array([True, False, None]),
            "word": pa.array(["007", "", None]).dictionary_encode(),
        }
    )
    pq.write_table(table, path)
    assert rows_of(read_rows(path, columns=None, **AS_FOUND))[1:] == [
        ["9007199254740993", "1", "0.1", "true", "007"],
        ["2", "", "1.0", "false", ""],
        ["", "3", "", "", ""],
    ]
    assert columns_of(path, **AS_FOUND) == table.column_names
    pq.write_table(pa.table({"id": [[1]]}), path)
    with pytest.raises(UserError, match="'id' holds list"):
        read_rows(path, columns=["id"], **AS_FOUND)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("x.csv", b"", "the file is empty"),
        ("x.csv", b"id,txt\n1,a\n", "no column 'text', did you mean 'txt'"),
        ("x.csv", b"text,text\na,b\n", "'text' more than once"),
        ("x.csv.gz", b"id,text\n", "not a complete gzip file"),
        ("x.csv.gz", gzip.compress(b"id,text\n" * 99, mtime=0)[:-9], "not a complete gzip file"),
        ("x.parquet", b"id,text\n", "cannot be read"),
        ("x.xlsx", b"PK", "does not tell the kind of file"),
        ("x.jsonl", b"\n", "the file is empty"),
    ],
)
def test_files_that_cannot_be_read_are_told_in_one_line(
    tmp_path: Path, name: str, data: bytes, told: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UserError, match=told) as caught:
        read_rows(path, columns=["text"], **AS_FOUND)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "train.csv").touch()
    with pytest.raises(UserError, match=r"did you mean 'train\.csv'"):
        columns_of(tmp_path / "trian.csv", **AS_FOUND)


@pytest.mark.parametrize("separator", ["", ",,", '"', "\n"])
def test_separator_must_be_one_character(tmp_path: Path, separator: str) -> None:
    path = written(tmp_path / "x.csv", ROWS, ",", "utf-8")
    with pytest.raises(UserError, match="must be one character"):
        read_rows(path, columns=None, encoding=None, separator=separator)


def test_byte_order_mark_before_a_given_encoding(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(codecs.BOM_UTF8 + b"id,text\n1,a\n")
    assert columns_of(path, encoding="utf-8", separator=None) == ["id", "text"]
