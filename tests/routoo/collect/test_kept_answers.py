"""Answers outlive the run that brought them, for the same prompt asked of the same model in the same way."""

from __future__ import annotations

from pathlib import Path

from routoo.collect.kept_answers import KeptAnswers
from routoo.data.answer import Answer
from routoo.data.call import Call
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
