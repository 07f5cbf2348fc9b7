"""However outcomes are written and whatever their columns are called, the same are read."""

import codecs
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.tables.prompts import read_prompts

CHATS = [
    [{"role": "user", "content": "Name a river."}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}],
]
TEXTS = ["Name a river.", "system: Be brief.\n\nuser: 2 + 2?"]
SHARED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def jsonl(*rows: dict[str, Any]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def zstd(text: bytes) -> bytes:
    file = io.BytesIO()
    lines = pl.DataFrame({"line": text.decode().split("\n")}).lazy()
    lines.sink_csv(file, include_header=False, quote_style="never", compression="zstd")
    return file.getvalue()


def _parquet(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def _csv(mark: str) -> Callable[[pl.DataFrame], bytes]:
    return lambda frame: frame.write_csv(separator=mark).encode()


def _jsonl(frame: pl.DataFrame) -> bytes:
    return jsonl(*frame.iter_rows(named=True))


WAYS: dict[str, Callable[[pl.DataFrame], bytes]] = {
    "a.parquet": _parquet,
    "a.csv": _csv(","),
    "semicolon.csv": _csv(";"),
    "bar.csv": _csv("|"),
    "a.tsv": _csv("\t"),
    "marked.csv": lambda frame: codecs.BOM_UTF8 + _csv(",")(frame),
    "marked.jsonl": lambda frame: codecs.BOM_UTF8 + _jsonl(frame),
    "a.jsonl": _jsonl,
    "a.csv.gz": lambda frame: gzip.compress(_csv(";")(frame)),
    "a.csv.zst": lambda frame: zstd(_csv(",")(frame)),
    "a.ndjson.gz": lambda frame: gzip.compress(_jsonl(frame)),
    "a.jsonl.zst": lambda frame: zstd(_jsonl(frame)),
}
# No carriage return: the reader of zstd takes one before a line feed for a part of the line's end.
prompts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n\t,;|"'), min_size=1
).filter(lambda text: bool(text.strip()))


@SHARED
@given(
    st.lists(
        st.tuples(prompts, st.floats(0, 1, width=32)), min_size=1, max_size=6, unique_by=lambda row: row[0]
    )
)
def test_the_same_outcomes_are_read_from_every_kind_of_file(
    tmp_path: Path, rows: list[tuple[str, float]]
) -> None:
    texts, scores = zip(*rows, strict=True)
    frame = pl.DataFrame({"prompt": texts, "model": "small", "score": scores, "tenant": "north"})
    expected = dict(zip(texts, scores, strict=True))
    for name, way in WAYS.items():
        path = write(tmp_path / name, way(frame))
        outcomes = Outcomes.read(path)
        found = dict(zip(outcomes.texts, outcomes.to_matrices().score[:, 0].tolist(), strict=True))
        assert found == pytest.approx(expected), name
        assert outcomes.name == name.partition(".")[0]
        assert outcomes.attributes(["tenant"]) == {"tenant": ["north"] * len(texts)}
        assert read_prompts(path, attributes=["tenant"]).texts == list(texts), name


@pytest.mark.parametrize("name", WAYS)
def test_columns_have_the_names_that_are_given(tmp_path: Path, name: str) -> None:
    frame = pl.DataFrame(
        {"Question": ["a", "b"], "llm": "m", "score": [9, 9], "correct": [1, 0], "lang": ["de", "en"]}
    )
    path = write(tmp_path / name, WAYS[name](frame))
    names = {"prompt": "Question", "model": "llm", "score": "correct", "language": "lang"}
    outcomes = Outcomes.read(path, columns=names)
    by_text = dict(zip(outcomes.texts, outcomes.to_matrices().score[:, 0].tolist(), strict=True))
    assert by_text == {"a": 1, "b": 0}
    assert sorted(outcomes.attributes(["language"])["language"], key=str) == ["de", "en"]
    asked = read_prompts(path, columns={"prompt": "Question", "language": "lang"}, attributes=["language"])
    assert (asked.texts, asked.attributes(["language"])) == (["a", "b"], {"language": ["de", "en"]})
    with pytest.raises(
        InputError, match=r"--columns names question, but the file has .* did you mean Question"
    ):
        Outcomes.read(path, columns={"prompt": "question"})


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("Prompt,Model,Score", "prompt=Prompt,model=Model,score=Score"),
        ("question,llm,correct", "prompt=question,model=llm,score=correct"),
        ("prompts,models,scores", "prompt=prompts,model=models,score=scores"),
        ("prompt,model,Score it", ""),
    ],
)
def test_names_that_may_be_meant_are_hinted_at(tmp_path: Path, header: str, hint: str) -> None:
    path = write(tmp_path / "a.csv", f"{header}\na,b,1\n")
    with pytest.raises(InputError) as caught:
        Outcomes.read(path)
    assert (f"name them by --columns {hint}" in str(caught.value)) == bool(hint)
    if hint:
        pairs = [pair.split("=") for pair in hint.split(",")]
        assert Outcomes.read(path, columns={pair[0]: pair[1] for pair in pairs}).texts == ["a"]


def test_spaces_around_names_of_columns_do_no_harm(tmp_path: Path) -> None:
    assert Outcomes.read(write(tmp_path / "a.csv", "prompt, model, score\na, m, 1\n")).texts == ["a"]


def test_a_blank_line_of_a_csv_is_no_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\nprompt,model,score\n\na,m,1\n\n\nb,m,7\n\n")
    with pytest.raises(InputError, match=r"score lies outside 0..1: 1 of 2 rows, such as row 2"):
        Outcomes.read(path)


@pytest.mark.parametrize("column", ["prompt", "messages"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_chats_are_the_text_that_is_scored(tmp_path: Path, name: str, column: str) -> None:
    frame = pl.DataFrame({column: CHATS, "model": "m", "score": [1, 0]})
    path = write(tmp_path / name, WAYS[name](frame))
    assert sorted(Outcomes.read(path).texts) == sorted(TEXTS)
    assert read_prompts(path).texts == TEXTS


@pytest.mark.parametrize("name", WAYS)
def test_messages_are_json_where_they_are_text(tmp_path: Path, name: str) -> None:
    frame = pl.DataFrame({"messages": [json.dumps(chat) for chat in CHATS], "model": "m", "score": [1, 0]})
    path = write(tmp_path / name, WAYS[name](frame))
    assert sorted(Outcomes.read(path).texts) == sorted(TEXTS)
    assert read_prompts(path).texts == TEXTS
    asked = read_prompts(path, columns={"prompt": "messages"})
    assert asked.texts == frame["messages"].to_list()
    renamed = write(tmp_path / name, WAYS[name](frame.rename({"messages": "chat"})))
    assert read_prompts(renamed, columns={"messages": "chat"}).texts == TEXTS


def test_texts_and_chats_may_be_mixed(tmp_path: Path) -> None:
    rows = [{"prompt": text, "model": "m", "score": 1} for text in ("[1, 2]", CHATS[1], CHATS[0][0])]
    path = write(tmp_path / "a.jsonl", jsonl(*rows))
    assert read_prompts(path).texts == ["[1, 2]", TEXTS[1], TEXTS[0]]
    assert sorted(Outcomes.read(path).texts) == sorted(["[1, 2]", TEXTS[1], TEXTS[0]])
    assert read_prompts("-", io.BytesIO(path.read_bytes())).texts == ["[1, 2]", TEXTS[1], TEXTS[0]]


def test_a_chat_of_another_form_is_refused_by_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", jsonl({"prompt": "a"}, {"prompt": [{"role": "user", "content": 3}]}))
    with pytest.raises(InputError, match=r"a\.jsonl, line 2: prompt: message 1"):
        read_prompts(path)
    path = write(tmp_path / "b.jsonl", jsonl({"messages": "not json"}))
    with pytest.raises(InputError, match=r"b\.jsonl: messages, row 1 must be a list of messages or JSON"):
        read_prompts(path)


WIDE = "prompt,gpt-4,mixtral,difficulty\nq1,1,0,3\nq2,0.5,,4\n"


def test_columns_of_scores_are_models_where_they_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "wide.csv", WIDE)
    said: list[str] = []
    outcomes = Outcomes.read(path, score_columns=["gpt-4", "mixtral"], on_remark=said.append)
    assert outcomes.models == ("gpt-4", "mixtral")
    np.testing.assert_array_equal(outcomes.to_matrices().score, [[1, 0], [0.5, np.nan]])
    assert outcomes.attributes(["difficulty"]) == {"difficulty": ["3", "4"]}
    assert said == [f"{path}: a column a model; models: gpt-4, mixtral; not models: prompt, difficulty"]
    assert Outcomes.read(path, score_columns=["gpt-4"]).models == ("gpt-4",)


def test_columns_of_scores_are_never_guessed(tmp_path: Path) -> None:
    path = write(tmp_path / "wide.csv", WIDE)
    words = "--score-columns gpt-4,mixtral,difficulty, or unpivot it to a row an outcome, with prompt"
    with pytest.raises(InputError, match=words):
        Outcomes.read(path)
    with pytest.raises(InputError, match=r"difficulty lies outside 0..1: 2 of 2 rows, such as row 1"):
        Outcomes.read(path, score_columns=["gpt-4", "difficulty"])
    with pytest.raises(InputError, match="lacks large; it has prompt, gpt-4"):
        Outcomes.read(path, score_columns=["large"])
    with pytest.raises(InputError, match="--score-columns names columns of a file"):
        Outcomes.read(tmp_path, score_columns=["gpt-4"])


def test_a_table_of_true_and_false_says_which_columns_are_models(tmp_path: Path) -> None:
    path = write(tmp_path / "llm.csv", "prompt,large,flagged,tenant\nq1,True,False,north\n")
    said: list[str] = []
    assert Outcomes.read(path, on_remark=said.append).models == ("flagged", "large")
    assert said == [f"{path}: a column a model; models: large, flagged; not models: prompt, tenant"]
    assert Outcomes.read(path, score_columns=["large"]).models == ("large",)


runs = st.lists(
    st.tuples(st.sampled_from("pq"), st.sampled_from("mn"), st.floats(0, 1), st.none() | st.floats(0, 9)),
    min_size=1,
    max_size=30,
)


@SHARED
@given(runs, st.randoms(use_true_random=False))
def test_repeated_outcomes_are_averaged_where_that_is_asked_for(
    tmp_path: Path, rows: list[tuple[str, str, float, float | None]], rng: Any
) -> None:
    frame = pl.DataFrame(
        rows, schema={"prompt": str, "model": str, "score": float, "cost_usd": float}, orient="row"
    )
    outcomes = Outcomes.read(write(tmp_path / "a.parquet", _parquet(frame)), average=True)
    ids = dict(zip(outcomes.texts, range(len(outcomes)), strict=True))
    for (text, model), part in frame.group_by("prompt", "model"):
        at = ids[str(text)], outcomes.models.index(str(model))
        assert outcomes.to_matrices().score[at] == pytest.approx(part["score"].mean(), abs=1e-6)
        known = part["cost_usd"].drop_nulls()
        cost = float(np.mean(known.to_numpy())) if len(known) else np.nan
        assert outcomes.to_matrices().cost_usd[at] == pytest.approx(cost, nan_ok=True)
    rng.shuffle(rows)
    shuffled = pl.DataFrame(rows, schema=frame.schema, orient="row")
    again = Outcomes.read(write(tmp_path / "b.parquet", _parquet(shuffled)), average=True)
    np.testing.assert_allclose(
        again.to_matrices(outcomes.models).score, outcomes.to_matrices().score, atol=1e-6
    )
    if frame.select("prompt", "model").is_duplicated().any():
        with pytest.raises(InputError, match=r"\(prompt_id, model\) is repeated: .* --average"):
            Outcomes.read(tmp_path / "a.parquet")


def test_an_average_keeps_what_all_runs_agree_on(tmp_path: Path) -> None:
    content = "prompt_id,prompt,model,score,response,region\n1,a,m,1,x,eu\n1,a,m,0,y,eu\n1,a,n,1,z,us\n"
    outcomes = Outcomes.read(write(tmp_path / "a.csv", content), average=True)
    by_model = {row["model"]: row for row in outcomes.outcomes.to_dicts()}
    assert by_model["m"] == {"prompt_id": "1", "model": "m", "score": 0.5, "response": None, "region": "eu"}
    assert by_model["n"]["response"] == "z"
    outcomes.write(tmp_path / "set")
    again = pl.concat([outcomes.outcomes, outcomes.outcomes.filter(model="n")])
    again.write_parquet(tmp_path / "set" / "outcomes.parquet")
    assert Outcomes.read(tmp_path / "set", average=True).models == ("m", "n")
    with pytest.raises(InputError, match=r"repeated: 2 of 3 rows, such as row 2: .*average=True"):
        Outcomes.read(tmp_path / "set")


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.jsonl", {"separator": ";"}, "--separator is of CSV files, and this is JSON lines"),
        ("a.parquet", {"separator": ";"}, "--separator is of CSV files, and this is Parquet"),
        ("a.csv", {"separator": "x"}, "--separator must be one of comma, semicolon, tab, bar"),
        ("a.csv", {"columns": "prompt=question"}, "columns must map our names to those of the file, such as"),
        ("a.csv", {"columns": {"prompt": 1}}, "columns must map our names"),
        ("a.csv", {"score_columns": "small"}, "score_columns must be a list of names, got text"),
    ],
)
def test_an_option_is_honoured_or_refused(
    tmp_path: Path, name: str, options: dict[str, Any], words: str
) -> None:
    path = write(tmp_path / name, WAYS[name](pl.DataFrame({"prompt": ["a"], "model": "m", "score": [1]})))
    with pytest.raises(InputError, match=words):
        Outcomes.read(path, **options)


def test_lines_of_text_have_no_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "p.txt", "a\n")
    for options in ({"columns": {"prompt": "a"}}, {"separator": ";"}):
        for source, stdin in ((path, None), ("-", io.BytesIO(b"a\n"))):
            with pytest.raises(InputError, match="--columns and --separator are of tables"):
                read_prompts(source, stdin, **options)
    assert read_prompts(write(tmp_path / "p.txt.gz", gzip.compress(b"a\nb\n"))).texts == ["a", "b"]


def test_a_folder_of_two_tables_has_our_names(tmp_path: Path) -> None:
    frame = pl.DataFrame({"prompt": ["a"], "model": "m", "score": [1]})
    Outcomes.read(write(tmp_path / "a.parquet", _parquet(frame))).write(tmp_path / "set")
    with pytest.raises(InputError, match="--columns and --separator are of other files"):
        Outcomes.read(tmp_path / "set", columns={"prompt": "prompt"})


def test_lists_and_objects_of_further_columns_are_left_out(tmp_path: Path) -> None:
    row = {"prompt": "a", "model": "m", "score": 1, "tags": ["x"], "usage": {"n": 1}, "tenant": "north"}
    for name in ("a.jsonl", "a.parquet"):
        outcomes = Outcomes.read(write(tmp_path / name, WAYS[name](pl.DataFrame([row]))))
        assert set(outcomes.prompts.columns) == {"prompt_id", "prompt", "tenant"}
        assert set(outcomes.outcomes.columns) == {"prompt_id", "model", "score"}


@pytest.mark.parametrize("ids", [[], ["7", "7", "8"]], ids=["texts", "ids"])
@pytest.mark.parametrize("columns", [(), ("small", "large")], ids=["found", "named"])
def test_rows_of_a_wide_table_that_repeat_are_averaged_where_that_is_asked(
    tmp_path: Path, ids: list[str], columns: tuple[str, ...]
) -> None:
    frame = pl.DataFrame(
        {"prompt": ["Who?", "Who?", "Why?"], "small": [True, False, True], "large": [True, True, None]}
    )
    frame = frame.with_columns(prompt_id=pl.Series(ids)) if ids else frame
    path = write(tmp_path / "a.parquet", _parquet(frame))
    found = Outcomes.read(path, score_columns=columns, average=True)
    scores = dict(zip(found.texts, found.to_matrices().score.tolist(), strict=True))
    assert found.models == ("large", "small")
    np.testing.assert_array_equal(scores["Who?"], [1, 0.5])
    np.testing.assert_array_equal(scores["Why?"], [np.nan, 1])
    if ids:
        with pytest.raises(InputError, match="prompt_id is repeated"):
            Outcomes.read(path, score_columns=columns)
    else:
        assert Outcomes.read(path, score_columns=columns).texts == ["Who?", "Who?", "Why?"]


@pytest.mark.parametrize("mark", [":", "^", "~"])
def test_a_header_in_one_piece_names_the_separators(tmp_path: Path, mark: str) -> None:
    path = write(tmp_path / "a.csv", mark.join(("prompt", "model", "score")) + "\n")
    with pytest.raises(InputError, match="one column: its fields must be separated by comma, semicolon"):
        Outcomes.read(path)


@pytest.mark.parametrize("unknown", ["NA", "null", "-", "n/a"])
def test_words_for_unknown_numbers_are_to_be_left_empty(tmp_path: Path, unknown: str) -> None:
    path = write(tmp_path / "a.csv", f"prompt,model,score,cost_usd\nx,a,1,{unknown}\n")
    with pytest.raises(
        InputError, match=r"cost_usd must be a number: .*; leave it empty where it is unknown"
    ):
        Outcomes.read(path)


@pytest.mark.parametrize("name", WAYS)
def test_white_space_around_names_does_not_matter(tmp_path: Path, name: str) -> None:
    rows = {"prompt": ["a", "b"], "model": [" small", "small "], "score": [1, 0], "domain": ["law", " law"]}
    frame = pl.DataFrame({**rows, "split": ["train ", "test"]})
    outcomes = Outcomes.read(write(tmp_path / name, WAYS[name](frame)))
    assert outcomes.models == ("small",)
    assert set(outcomes.domains or ()) == {"law"}
    assert sorted(outcomes.prompts["split"]) == ["test", "train"]
