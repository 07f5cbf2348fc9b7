"""Each format is read from a small file of its kind, and what is broken is refused in words."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from routoo.data.errors import InputError
from routoo.data.formats.readers import FILE_FORMATS, FOLDER_FORMATS
from routoo.data.outcomes import Outcomes

TIDY = pl.DataFrame(
    {
        "prompt_id": ["a", "a", "b"],
        "prompt": ["2 + 2?", "2 + 2?", 'Name a river,\n"quoted".'],
        "model": ["large", "small", "small"],
        "score": [1.0, 0.0, 0.5],
        "output_tokens": [10, None, 7],
        "domain": ["maths", "maths", "geography"],
        "split": ["train", "train", "test"],
        "response": ["4", "5", "Rhine"],
        "reviewer": ["x", "y", "x"],
    }
)


def _as_parquet(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def _as_csv(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_csv(path.with_suffix(".csv"))
    return path.with_suffix(".csv")


def _as_jsonl(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_ndjson(path.with_suffix(".jsonl"))
    return path.with_suffix(".jsonl")


def _as_ndjson(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_ndjson(path.with_suffix(".ndjson"))
    return path.with_suffix(".ndjson")


WRITERS = (_as_parquet, _as_csv, _as_jsonl, _as_ndjson)
Writer = Callable[[pl.DataFrame, Path], Path]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_tidy_file_is_read_from_every_kind(tmp_path: Path, writer: Writer) -> None:
    outcomes = Outcomes.read(writer(TIDY, tmp_path / "mine"))
    assert (outcomes.name, outcomes.models, outcomes.prompt_ids) == ("mine", ("large", "small"), ["a", "b"])
    assert outcomes.texts[1] == 'Name a river,\n"quoted".'
    np.testing.assert_array_equal(outcomes.to_matrices().score, [[1, 0], [np.nan, 0.5]])
    np.testing.assert_array_equal(outcomes.to_matrices().output_tokens, [[10, np.nan], [np.nan, 7]])


@pytest.mark.parametrize("writer", WRITERS)
def test_what_is_one_value_a_prompt_goes_to_the_prompts(tmp_path: Path, writer: Writer) -> None:
    outcomes = Outcomes.read(writer(TIDY, tmp_path / "mine"))
    assert set(outcomes.prompts.columns) == {"prompt_id", "prompt", "domain", "split"}
    assert outcomes.domains == ["maths", "geography"]
    assert {"response", "reviewer"} < set(outcomes.outcomes.columns)


@pytest.mark.parametrize("writer", WRITERS)
def test_without_ids_the_text_is_the_prompt(tmp_path: Path, writer: Writer) -> None:
    first = Outcomes.read(writer(TIDY.drop("prompt_id"), tmp_path / "mine"))
    again = Outcomes.read(writer(TIDY.drop("prompt_id").reverse(), tmp_path / "mine"), name="given")
    assert (len(first), again.name) == (2, "given")
    assert first.prompt_ids == again.prompt_ids
    np.testing.assert_array_equal(first.to_matrices().score, again.to_matrices().score)


def test_a_prediction_is_a_response_unless_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    row = {"prompt": "2 + 2?", "model": "small", "prediction": "5", "score": 0}
    path.write_text(lines(row))
    assert Outcomes.read(path).outcomes["response"].to_list() == ["5"]
    path.write_text(lines({**row, "response": "five"}))
    both = Outcomes.read(path).outcomes
    assert (both["response"].to_list(), both["prediction"].to_list()) == (["five"], ["5"])


def test_triples_of_prompt_response_and_score(tmp_path: Path) -> None:
    rows = [
        {"prompt": "2 + 2?", "model": "small", "response": "5", "score": False},
        {"prompt": "2 + 2?", "model": "large", "response": "4", "score": True},
        {"prompt": "3 + 3?", "model": "large", "response": "6", "score": 0.5, "latency_s": 2},
    ]
    outcomes = Outcomes.read(write(tmp_path / "triples.jsonl", lines(*rows)))
    by_text = dict(zip(outcomes.texts, outcomes.to_matrices().score.tolist(), strict=True))
    assert by_text["2 + 2?"] == [1, 0]
    assert outcomes.outcomes["response"].to_list() == ["5", "4", "6"]
    assert outcomes.outcomes["latency_s"].to_list() == [None, None, 2]


def test_ids_that_turn_to_text_late_are_read(tmp_path: Path) -> None:
    rows = [{"prompt_id": at, "prompt": f"p{at}", "model": "m", "score": 1} for at in range(300)]
    rows += [{"prompt_id": "x1", "prompt": "p", "model": "m", "score": 0.25, "domain": "late"}]
    outcomes = Outcomes.read(write(tmp_path / "late.jsonl", lines(*rows)))
    assert outcomes.prompt_ids[-1] == "x1"
    assert outcomes.domains is not None
    assert outcomes.domains[-1] == "late"


def routerbench() -> pl.DataFrame:
    """Two prompts of three models, as RouterBench lays them out."""
    return pl.DataFrame(
        {
            "sample_id": ["mmlu.1", "gsm.2"],
            "prompt": ["Name a river.", "2 + 2?"],
            "eval_name": ["mmlu", "gsm8k"],
            "vendor/large": [1.0, None],
            "small": [0.0, 0.75],
            "vendor/large|model_response": ["Rhine", None],
            "small|model_response": ["no", "4"],
            "vendor/large|total_cost": [0.02, None],
            "small|total_cost": [0.001, 0.002],
            "oracle_model_to_route_to": ["vendor/large", "small"],
        }
    )


@pytest.mark.parametrize("writer", WRITERS)
def test_a_routerbench_table(tmp_path: Path, writer: Writer) -> None:
    outcomes = Outcomes.read(writer(routerbench(), tmp_path / "bench"))
    assert outcomes.models == ("small", "vendor/large")
    assert (outcomes.prompt_ids, outcomes.domains) == (["gsm.2", "mmlu.1"], ["gsm8k", "mmlu"])
    np.testing.assert_array_equal(outcomes.to_matrices().score, [[0.75, np.nan], [0, 1]])
    np.testing.assert_array_equal(outcomes.to_matrices().cost_usd, [[0.002, np.nan], [0.001, 0.02]])
    assert outcomes.outcomes.filter(model="small")["response"].to_list() == ["no", "4"]
    further = ["oracle_model_to_route_to"]
    assert outcomes.prompts.columns == ["prompt_id", "prompt", "domain", *further]
    assert outcomes.attributes(further) == {further[0]: ["small", "vendor/large"]}


def test_a_routerbench_table_without_ids_and_responses(tmp_path: Path) -> None:
    plain = routerbench().select("prompt", "small", "small|total_cost")
    outcomes = Outcomes.read(_as_parquet(plain, tmp_path / "bench"))
    assert outcomes.prompt_ids == ["bench/000000", "bench/000001"]
    assert outcomes.domains is None


ROUTELLM = 'prompt,mixtral-8x7b,gpt-4\n"Which, of these?\nAnswer:",True,False\nWho?,False,true\nWho?,True,\n'


def test_a_routellm_csv_keeps_rows_that_repeat_a_text(tmp_path: Path) -> None:
    outcomes = Outcomes.read(write(tmp_path / "mmlu_anatomy.csv", ROUTELLM))
    assert outcomes.models == ("gpt-4", "mixtral-8x7b")
    assert outcomes.texts == ["Which, of these?\nAnswer:", "Who?", "Who?"]
    np.testing.assert_array_equal(outcomes.to_matrices().score, [[0, 1], [1, 0], [np.nan, 1]])


@pytest.mark.parametrize("writer", WRITERS)
def test_columns_that_are_no_models_stay_with_the_prompts(tmp_path: Path, writer: Writer) -> None:
    more: dict[str, list[Any]] = {"tenant": ["north", "south"], "tier": [1, 2], "gone|total_cost": [0.1, 0.2]}
    bench = routerbench().with_columns(pl.Series(name, values) for name, values in more.items())
    outcomes = Outcomes.read(writer(bench, tmp_path / "bench"))
    assert outcomes.attributes(["tenant", "tier"]) == {"tenant": ["south", "north"], "tier": ["2", "1"]}
    assert "gone|total_cost" not in outcomes.prompts.columns
    rows = pl.DataFrame({"prompt": ["a", "b"], "large": [True, False], "tenant": ["north", None]})
    outcomes = Outcomes.read(writer(rows, tmp_path / "llm"))
    assert outcomes.models == ("large",)
    assert outcomes.attributes(["tenant"]) == {"tenant": ["north", None]}


def test_nested_columns_of_a_routellm_table_are_left_out(tmp_path: Path) -> None:
    rows = pl.DataFrame({"prompt": ["a"], "large": [True], "tags": [["x"]]})
    assert Outcomes.read(_as_parquet(rows, tmp_path / "llm")).prompts.columns == ["prompt", "prompt_id"]


def test_requests_of_the_same_text_need_ids(tmp_path: Path) -> None:
    content = "prompt,tenant,model,score\nhi,north,m,1\nhi,south,m,0\nho,south,m,0\n"
    words = (
        r"\(prompt_id, model\) is repeated: 2 of 3 rows, such as row 1: .*; without a column prompt_id, "
        "texts are ids: add one that tells requests of the same text apart, or take the mean of .* --average"
    )
    with pytest.raises(InputError, match=words):
        Outcomes.read(write(tmp_path / "a.csv", content))


def test_an_attribute_of_several_values_a_prompt_is_explained(tmp_path: Path) -> None:
    content = "prompt_id,prompt,tenant,model,score\n1,hi,north,m,1\n1,hi,south,n,0\n2,ho,south,m,0\n"
    outcomes = Outcomes.read(write(tmp_path / "a.csv", content))
    words = (
        "a: tenant has several values for one prompt, for 1 of 2 prompts, such as prompt_id='1'; give each "
        "request a prompt_id of its own"
    )
    with pytest.raises(InputError, match=words):
        outcomes.attributes(["tenant"])


def test_a_folder_of_routellm_csvs_has_a_domain_a_file(tmp_path: Path) -> None:
    write(tmp_path / "anatomy.csv", ROUTELLM)
    write(tmp_path / "law.csv", "prompt,gpt-4\nWhose?,True\n")
    outcomes = Outcomes.read(tmp_path)
    assert outcomes.name == tmp_path.name
    assert outcomes.domains == ["anatomy"] * 3 + ["law"]
    assert outcomes.prompt_ids[-1] == "law/000000"
    assert outcomes.coverage() == {"gpt-4": 0.75, "mixtral-8x7b": 0.75}


def test_a_folder_of_two_parquets_wins_over_csvs(tmp_path: Path) -> None:
    outcomes = Outcomes.read(_as_csv(TIDY, tmp_path / "mine"))
    outcomes.write(tmp_path / "set")
    write(tmp_path / "set" / "law.csv", ROUTELLM)
    assert Outcomes.read(tmp_path / "set").prompts.equals(outcomes.prompts)


def test_the_error_lists_what_was_tried_and_why_it_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        Outcomes.read(write(tmp_path / "odd.csv", "question,small\nWho?,3\n"))
    message = str(caught.value)
    assert "- tidy file: lacks prompt, model, score; it has question, small" in message
    assert "- RouterBench table: has no column <model> with a <model>|total_cost beside it" in message
    assert "- RouteLLM table: lacks prompt" in message
    assert all(form.name in message for form in FILE_FORMATS)
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder" / "a.csv", "prompt,small\nWho?,3\n")
    with pytest.raises(InputError) as caught:
        Outcomes.read(tmp_path / "folder")
    message = str(caught.value)
    assert "- folder of two Parquets: lacks prompts.parquet, outcomes.parquet" in message
    assert "- folder of RouteLLM CSVs: a.csv has no column of true and false" in message
    assert all(form.name in message for form in FOLDER_FORMATS)


@pytest.mark.parametrize("ending", [".pkl", ".pickle"])
def test_a_pickle_is_refused_unopened(tmp_path: Path, ending: str) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "exploded",)

    path = write(tmp_path / f"routerbench_0shot{ending}", pickle.dumps(Bomb()))
    with pytest.raises(InputError, match="convert to parquet"):
        Outcomes.read(path)
    renamed = path.rename(tmp_path / "routerbench.parquet")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        Outcomes.read(renamed)
    assert not (tmp_path / "exploded").exists()


HEAD = b"prompt_id,prompt,model,score\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "expected a line with the names of the columns, got an empty file"),
        ("a.csv", HEAD, "prompts: expected at least one row"),
        ("a.csv", HEAD + b"1,hi,m,1\n2,caf\xe9,m,1\n", "not UTF-8 in line 3: byte 43 is 0xe9; save it as"),
        ("a.csv", "prompt,model,score\nhi,m,1\n".encode("utf-16"), "not UTF-8 in line 1: byte 0 is 0xff"),
        ("a.csv", HEAD + "1,café".encode()[:-1], "cut off within a character"),
        ("a.csv", HEAD + b"1,hi,m,1,extra\n", "line 2 has 5 fields, but the header names 4"),
        ("a.csv", HEAD + b"1,hi,m,good\n", "score must be a number: 1 of 1 rows .* row 1: 'good'"),
        ("a.csv", HEAD + b"1,hi,m,2\n", "a.csv: score lies outside 0..1"),
        ("a.csv", HEAD + b"1,hi,m,nan\n", "score lies outside 0..1"),
        ("a.csv", HEAD + b"1,hi,m,\n", "score is null"),
        ("a.csv", HEAD + b"1,,m,1\n", "prompt is null"),
        ("a.csv", HEAD + b"1,\" \0 \",m,1\n", "prompt is blank"),
        ("a.csv", HEAD + b",hi,m,1\n", "prompt_id is null"),
        ("a.csv", HEAD + b"1,hi,m,1\n1,hi,m,0\n", r"\(prompt_id, model\) is repeated: 2 of 2 .*; --average"),
        ("a.csv", HEAD + b"1,hi,m,1\n1,ho,n,0\n2,hu,m,1\n", "prompt must be the same .* 1 of 2 .*='1'"),
        ("a.csv", b"prompt,model,score\n,m,1\n", "prompt is null in 1 of 1 rows, such as row 1"),
        ("a.csv", b"prompt,model,score,answer\nhi,m,1,x\nhi,n,0,y\n", "own answer is called response"),
        ("a.jsonl", b"", "expected an object a line, got nothing"),
        ("a.jsonl", b'{"prompt": "a"\n', "line 1: not JSON, from character 16 on"),
        ("a.jsonl", b'[{"prompt": "a"}]', "line 1: expected an object such as .*, got a list"),
        ("a.jsonl", b'{"prompt": "\xff"}\n', "not UTF-8 in line 1: byte 12"),
        ("a.parquet", b"PAR1", "cannot be read as Parquet"),
        ("a.json", b'[{"prompt": "a"}]', r"an object a line is read, .*\.jsonl; `jq -c "),
        ("a.csv", b"sep=;\n" + HEAD, r"line 1, 'sep=;', is for spreadsheets: remove it"),
        ("a.csv", b"# made by hand\n" + HEAD + b"1,hi,m,1\n", "line 1 is a comment: remove it"),
        ("a.csv", "prompt,model,score\nhi,m,1\n".encode("utf-16-be"), "without a byte order mark; save it"),
        ("a.xlsx", b"PK", r"expected a file that ends in \.parquet, \.csv, \.tsv, .* or a folder"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_in_words(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Outcomes.read(write(tmp_path / name, content))


def test_a_byte_far_into_a_large_file_is_found(tmp_path: Path) -> None:
    row = b"1,hello,m,1\n"
    content = HEAD + row * 200_000 + b"2,\xc3\x28,m,1\n"
    with pytest.raises(InputError, match=f"line 200002: byte {len(HEAD) + 200_000 * len(row) + 2} is 0xc3"):
        Outcomes.read(write(tmp_path / "large.csv", content))


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder of outcomes"):
        Outcomes.read(tmp_path / "gone.csv")
    with pytest.raises(InputError, match="folder of RouteLLM CSVs: holds no CSV"):
        Outcomes.read(tmp_path)


def test_a_csv_keeps_null_bytes_byte_order_mark_and_megabytes(tmp_path: Path) -> None:
    long = "word " * 250_000
    content = '\ufeffprompt,model,score\n"a\0b",m,1\n' + f"{long},m,0\n"
    outcomes = Outcomes.read(write(tmp_path / "a.csv", content))
    assert sorted(len(text) for text in outcomes.texts) == [3, 1_250_000]


def test_a_missing_text_is_filled_from_another_row_of_the_prompt(tmp_path: Path) -> None:
    outcomes = Outcomes.read(write(tmp_path / "a.csv", HEAD + b"1,hi,m,1\n1,,n,0\n"))
    assert outcomes.texts == ["hi"]
    assert outcomes.models == ("m", "n")


def test_averaged_scores_keep_a_table_of_other_names(tmp_path: Path) -> None:
    content = b"prompt,score,small\nhi,.2,1\nhi,.4,0\n"
    outcomes = Outcomes.read(write(tmp_path / "a.csv", content), score_columns=["small"], average=True)
    assert outcomes.outcomes["score"].to_list() == [0.5]
    write(tmp_path / "b.csv", b"prompt,small\n.5,1\n")
    with pytest.raises(InputError, match="lacks prompt"):
        Outcomes.read(tmp_path / "b.csv", score_columns=["prompt", "small"], average=True)


def test_a_path_too_long_for_the_file_system_is_refused() -> None:
    with pytest.raises(InputError, match="path cannot be used: File name too long"):
        Outcomes.read("x" * 5000)
