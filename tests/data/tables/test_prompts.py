"""Prompts come from any file that people keep them in; what is broken is named by its line."""

import io
import json
from pathlib import Path

import polars as pl
import pytest

from routoo.data.errors import InputError
from routoo.data.storage.text_files import decode_utf8
from routoo.data.tables.prompts import read_prompts


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_text_holds_a_prompt_a_line_and_blank_lines_are_counted(tmp_path: Path) -> None:
    prompts = read_prompts(write(tmp_path / "p.txt", "Name a river.\n\n \t\n2 + 2?\r\n"))
    assert (prompts.texts, prompts.ids) == (["Name a river.", "2 + 2?"], ["1", "4"])
    assert prompts.blank_lines == 2


@pytest.mark.parametrize(("text", "blank"), [("a\nb", 0), ("a\nb\n", 0), ("a\n\nb", 1), ("\na\nb\n\n", 2)])
def test_the_last_line_feed_begins_no_line(text: str, blank: int) -> None:
    prompts = read_prompts("-", io.BytesIO(text.encode()))
    assert (prompts.texts, prompts.blank_lines) == (["a", "b"], blank)


def test_only_a_line_feed_ends_a_prompt() -> None:
    prompts = read_prompts("-", io.BytesIO("one\u2028two\x0bthree\x85\n".encode()))
    assert prompts.texts == ["one\u2028two\x0bthree\x85"]


def test_a_byte_order_mark_is_no_part_of_the_first_prompt() -> None:
    assert read_prompts("-", io.BytesIO(b"\xef\xbb\xbfhello\n")).texts == ["hello"]


def test_json_lines_keep_ids_and_domains(tmp_path: Path) -> None:
    rows = [{"prompt_id": 7, "prompt": "a\nb", "domain": "facts"}, {"prompt": "c"}]
    path = write(tmp_path / "p.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    prompts = read_prompts(path)
    assert prompts.ids == ["7", "2"]
    assert prompts.texts == ["a\nb", "c"]
    assert prompts.frame["domain"].to_list() == ["facts", None]


def test_attributes_have_one_spelling_in_every_kind_of_file(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "prompt": ["a", "b", "c"],
            "tier": [1.0, None, 2.5],
            "paid": [True, None, False],
            "tenant": [" north", "", "south "],
        }
    )
    frame.write_csv(tmp_path / "p.csv")
    frame.with_columns(pl.col("tier").fill_null(float("nan"))).write_parquet(tmp_path / "p.parquet")
    frame.write_ndjson(tmp_path / "p.jsonl")
    lines = '{"prompt": "a", "tier": "1", "paid": "TRUE", "tenant": "north"}\n'
    lines += (
        '{"prompt": "b", "tier": NaN}\n{"prompt": "c", "tier": 2.5, "paid": "false", "tenant": "south"}\n'
    )
    write(tmp_path / "q.jsonl", lines)
    expected = {
        "tier": ["1", None, "2.5"],
        "paid": ["true", None, "false"],
        "tenant": ["north", None, "south"],
    }
    for name in ("p.csv", "p.parquet", "p.jsonl", "q.jsonl"):
        assert read_prompts(tmp_path / name, attributes=list(expected)).attributes(list(expected)) == expected


def test_an_attribute_that_no_prompt_has_is_not_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", '{"prompt": "a", "tenant": null, "more": 1}\n')
    prompts = read_prompts(path, attributes=["tenant", "region"])
    assert prompts.attributes(["tenant", "region"]) == {"tenant": [None]}
    assert prompts.columns == ("prompt", "tenant", "more")
    path = write(tmp_path / "p.csv", "prompt,tenant,domain\na,,\n")
    prompts = read_prompts(path, attributes=["tenant"])
    assert prompts.attributes(["tenant"]) == {"tenant": [None]}
    assert prompts.domains is None


@pytest.mark.parametrize(("value", "kind"), [(["x"], "a list"), ({"x": 1}, "an object")])
@pytest.mark.parametrize("name", ["tenant", "domain"])
def test_lists_and_objects_are_no_attributes(tmp_path: Path, name: str, value: object, kind: str) -> None:
    rows = [{"prompt": "a", name: "x"}, {"prompt": "b", name: value}]
    path = write(tmp_path / "p.jsonl", "\n".join(map(json.dumps, rows)))
    with pytest.raises(InputError, match=f"p.jsonl, line 2: {name} must be text or a number, got {kind}"):
        read_prompts(path, attributes=["tenant"])
    pl.DataFrame(rows[1:]).write_parquet(tmp_path / "p.parquet")
    with pytest.raises(InputError, match=f"{name} must be text or a number, got {kind}"):
        read_prompts(tmp_path / "p.parquet", attributes=["tenant"])


def test_standard_input_may_be_json_lines() -> None:
    assert read_prompts("-", io.BytesIO(b'\n{"prompt": "a"}\n')).ids == ["2"]
    assert read_prompts("-", io.BytesIO(b"{not json}\n[1]\n")).texts == ["{not json}", "[1]"]


@pytest.mark.parametrize("text", ['[{"prompt": "a"}]', '[\n {"prompt": "a"}\n]', '{\n "prompt": "a"\n}\n'])
def test_json_of_many_lines_is_not_taken_for_prompts(tmp_path: Path, text: str) -> None:
    words = "line 1: expected an object .*; `jq -c .* FILE.json > FILE.jsonl`"
    with pytest.raises(InputError, match=f"^standard input, {words}"):
        read_prompts("-", io.BytesIO(text.encode()))
    with pytest.raises(InputError, match=words):
        read_prompts(write(tmp_path / "p.jsonl", text))
    with pytest.raises(InputError, match=r"an object a line is read, in a file that ends in \.jsonl; `jq -c"):
        read_prompts(write(tmp_path / "p.json", text))


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_tables_keep_ids_and_domains_and_leave_the_rest(tmp_path: Path, ending: str) -> None:
    frame = pl.DataFrame({"prompt_id": [3, 4], "prompt": ["a", "b"], "domain": ["x", None], "more": [0, 0]})
    path = tmp_path / f"p{ending}"
    frame.write_csv(path) if ending == ".csv" else frame.write_parquet(path)
    prompts = read_prompts(path)
    assert prompts.frame.columns == ["prompt_id", "prompt", "domain"]
    assert prompts.ids == ["3", "4"]


def test_rows_without_ids_are_counted_from_one(tmp_path: Path) -> None:
    assert read_prompts(write(tmp_path / "p.csv", "prompt\na\nb\n")).ids == ["1", "2"]


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert read_prompts("-", io.BytesIO(b'{"prompt": "a\\ud800b"}')).texts == ["a?b"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("p.txt", b"", "expected at least one prompt"),
        ("p.txt", b"\n \n", "expected at least one prompt"),
        ("p.txt", b"a\nb\xff\n", "not UTF-8 in line 2: byte 3 is 0xff"),
        ("p.jsonl", b'{"prompt": "a"}\n{"prompt": \n', "line 2: not JSON"),
        ("p.jsonl", b'{"prompt": "a"}\n"b"\n', r"line 2: expected an object such as .* got text"),
        (
            "p.jsonl",
            b'{"text": "a", "id": 1}\n',
            "lacks prompt; it has text, id: name it by --columns prompt=text",
        ),
        ("p.jsonl", b'{"prompt": 3}\n', "line 1: prompt must be text or a list of messages, got a number"),
        ("p.jsonl", b'{"prompt": null}\n', "prompt is empty in 1 of 1 rows"),
        ("p.jsonl", b'{"prompt": "a"}\n{"prompt": " "}\n', r"prompt is empty in 1 of 2 rows, such as row 2"),
        ("p.jsonl", b'{"prompt": "\\u0000"}\n', "prompt is empty"),
        ("p.csv", b"prompt_id,prompt\n1,a\n1,b\n", r"prompt_id is repeated in 2 of 2 rows.*'1'"),
        ("p.csv", b"prompt_id,prompt\n1,a\n,b\n", "prompt_id is null in 1 of 2 rows, such as row 2"),
        ("p.csv", b"text\na\n", "lacks prompt; it has text"),
        ("p.csv", b"prompt\n\xff\n", "not UTF-8 in line 2"),
        ("p.parquet", b"PAR1", "cannot be read as Parquet"),
        ("p.xlsx", b"", r"ends in \.txt, \.parquet"),
    ],
)
def test_what_is_broken_is_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_prompts(write(tmp_path / name, content))


@pytest.mark.parametrize("name", ["none.txt", "none.jsonl", "none.csv"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: (cannot be read: No such file|no such file)"):
        read_prompts(tmp_path / name)


def test_a_folder_is_no_file_of_prompts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got a folder"):
        read_prompts(tmp_path)


def test_numbers_are_no_prompts(tmp_path: Path) -> None:
    pl.DataFrame({"prompt": [1, 2]}).write_parquet(tmp_path / "p.parquet")
    with pytest.raises(InputError, match="prompt must be text or a list of messages, got a number"):
        read_prompts(tmp_path / "p.parquet")


def test_standard_input_must_be_there() -> None:
    with pytest.raises(InputError, match="no standard input"):
        read_prompts("-")


def test_decoding_names_the_source() -> None:
    with pytest.raises(InputError, match="a letter: not UTF-8 in line 1"):
        decode_utf8(b"\x80", "a letter")
