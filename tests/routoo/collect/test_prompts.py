"""Prompts to be asked, from files of every kind, and the order in which they are."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.collect.graders.grader import Reference
from routoo.collect.prompts import PromptToAsk, read_to_ask, spread
from routoo.data.errors import InputError
from routoo.data.request import Request

CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}]
ROWS: list[dict[str, object]] = [
    {"prompt_id": "a", "prompt": CHAT, "answer": ["4", "four"], "options": None, "tenant": "x"},
    {"prompt_id": "b", "prompt": "[1] + [2]?", "answer": "[3]", "options": ["[3]", "[4]"], "tenant": "y"},
]


def _lines(rows: list[dict[str, object]]) -> str:
    return "\n".join(map(json.dumps, rows))


@pytest.fixture(params=["jsonl", "stdin", "named"])
def read(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[PromptToAsk, ...]:
    if request.param == "stdin":
        return read_to_ask("-", io.BytesIO(_lines(ROWS).encode())).prompts
    if request.param == "named":
        named = [{**row, "said": row["prompt"]} for row in ROWS]
        for row in named:
            del row["prompt"]
        (tmp_path / "p.jsonl").write_text(_lines(named))
        return read_to_ask(tmp_path / "p.jsonl", columns={"prompt": "said"}).prompts
    (tmp_path / "p.jsonl").write_text(_lines(ROWS))
    return read_to_ask(tmp_path / "p.jsonl").prompts


def test_chats_lists_and_texts_are_read_as_they_are(read: tuple[PromptToAsk, ...]) -> None:
    first, second = read
    assert first.request.prompt == CHAT
    assert first.reference == Reference("system: Be brief.\n\nuser: 2 + 2?", ("4", "four"))
    assert (second.request.prompt, second.request.options) == ("[1] + [2]?", ("[3]", "[4]"))
    assert second.reference.options == ("[3]", "[4]")


def test_a_table_of_lists_is_read_too(tmp_path: Path) -> None:
    chats = pl.Series([CHAT, [{"role": "user", "content": "1 + 1?"}]])
    frame = pl.DataFrame(
        {"messages": chats, "answer": [4, 2], "options": [["4", "5"], None], "grader": [None, "text"]}
    )
    frame.write_parquet(tmp_path / "p.parquet")
    for source in (frame, tmp_path / "p.parquet"):
        first, second = read_to_ask(source).prompts
        assert first.request.prompt == CHAT
        assert (first.reference.answers, first.request.options, first.grader) == (("4",), ("4", "5"), None)
        assert (second.request.options, second.grader) == ((), "text")


def test_messages_stand_for_a_prompt(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(_lines([{"messages": CHAT}]))
    (tmp_path / "p.csv").write_text(pl.DataFrame({"messages": [json.dumps(CHAT)]}).write_csv())
    for name in ("p.jsonl", "p.csv"):
        (prompt,) = read_to_ask(tmp_path / name).prompts
        assert prompt.request.prompt == CHAT


def test_further_columns_stay_and_lists_become_json(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(_lines(ROWS))
    frame = read_to_ask(tmp_path / "p.jsonl").frame
    assert frame["tenant"].to_list() == ["x", "y"]
    assert frame["answer"].to_list() == ['["4", "four"]', "[3]"]
    assert "chat" not in frame.columns


def test_a_text_has_a_prompt_a_line(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("One?\nTwo?\n")
    assert [prompt.prompt_id for prompt in read_to_ask(tmp_path / "p.txt").prompts] == ["1", "2"]


def test_one_option_is_none(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(_lines([{"prompt": "Which?", "options": ["this"]}]))
    with pytest.raises(InputError, match="expected 2 to 26 options or none, got 1"):
        read_to_ask(tmp_path / "p.jsonl")


def _prompts(domains: list[str]) -> list[PromptToAsk]:
    return [PromptToAsk(Request(f"q{n}", "?"), Reference("?"), domain) for n, domain in enumerate(domains)]


@given(domains=st.lists(st.sampled_from("aab"), min_size=1, max_size=40), seed=st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_every_beginning_is_spread_over_domains(domains: list[str], seed: int) -> None:
    order, sizes = spread(_prompts(domains), seed), Counter(domains)
    assert Counter(prompt.prompt_id for prompt in order) == Counter(f"q{n}" for n in range(len(domains)))
    for end in range(len(order) + 1):
        seen = Counter(prompt.domain for prompt in order[:end])
        for domain, size in sizes.items():
            assert abs(seen[domain] - end * size / len(order)) <= 1


def test_seeds_differ_and_one_seed_does_not() -> None:
    prompts = _prompts(["a"] * 20)
    assert spread(prompts, 1) == spread(list(reversed(prompts)), 1)
    assert spread(prompts, 1) != spread(prompts, 2)
