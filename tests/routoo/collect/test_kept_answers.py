"""Answers outlive the run that brought them, for the same prompt asked of the same model in the same way."""

from __future__ import annotations

from pathlib import Path

import pytest

from routoo.collect.kept_answers import KeptAnswers
from routoo.data.answer import Answer
from routoo.data.call import Call
from routoo.data.errors import InputError
from routoo.data.pool import Pool, PoolModel
from routoo.data.request import Request

SUM, RIVER = Request("q", "2 + 2?"), Request("r", "Name a river.")


def pool(temperature: float = 0.0) -> Pool:
    call = Call(kind="provider", model="openai/x", temperature=temperature)
    return Pool(
        tuple(PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=1, call=call) for name in ("a", "b"))
    )


def test_what_was_kept_is_known_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    kept, came = (
        KeptAnswers(path, pool()),
        Answer(prompt_id="q", model="a", answer="4", signals={"refusal": 0.0}),
    )
    assert kept.to([SUM, RIVER], ["a", "a"]) == []
    kept.keep(SUM, came)
    kept.keep(RIVER, Answer(prompt_id="r", model="a", answer=None, error="busy"))
    kept.close(done=False)
    with path.open("ab") as file:
        file.write(b'{"event": "ans')  # what a killed writer leaves
    assert KeptAnswers(path, pool()).to([SUM, RIVER], ["a", "a"]) == [came]
    assert KeptAnswers(path, pool()).to([SUM, Request("q", "2 + 3?")], ["b", "a"]) == []
    assert KeptAnswers(path, pool(temperature=0.5)).to([SUM], ["a"]) == []


def test_it_is_gone_when_all_is_done(tmp_path: Path) -> None:
    for done in (False, True):
        kept = KeptAnswers(tmp_path / "journal", pool())
        kept.keep(SUM, Answer(prompt_id="q", model="a", answer="4"))
        kept.close(done=done)
        assert (tmp_path / "journal").exists() != done


def test_what_earlier_runs_paid_is_known(tmp_path: Path) -> None:
    """Of an answer and of a failure what it cost, or the most that its tries could; so of a try under way."""
    for _ in range(2):
        with KeptAnswers(tmp_path / "journal", pool()) as kept:
            for most in (0.5, 0.5):
                kept.begin(SUM, "a", most)
            kept.keep(SUM, Answer(prompt_id="q", model="a", answer="4", cost_usd=0.25))
            kept.begin(SUM, "b", 0.125)
            kept.keep(SUM, Answer(prompt_id="q", model="b", answer=None, error="busy"))
            kept.begin(RIVER, "a", 2.0)
    kept = KeptAnswers(tmp_path / "journal", pool())
    assert kept.spent_usd == 2 * (0.25 + 0.125 + 2.0)
    assert [kept.paid_usd(SUM, name) for name in ("a", "b")] == [0.5, 0.0]


def test_a_journal_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text('{"event": "stream"}\n')
    with pytest.raises(InputError, match="not a journal of answers"):
        KeptAnswers(tmp_path / "journal", pool())
