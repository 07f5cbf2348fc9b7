"""A pool's members are what its calls say, and share what an account allows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from routoo.data.answers import Answers
from routoo.data.call import Call
from routoo.data.errors import InputError
from routoo.data.pool import Pool, PoolModel
from routoo.members.local import LocalModel
from routoo.members.provider import ProviderModel
from routoo.members.recorded import RecordedModel
from routoo.members.registry import members_of

ROWS = {"prompt_id": ["q", "q"], "model": ["a", "b"], "answer": ["4", "5"]}


def model(name: str, call: Call | None = None, **stated: Any) -> PoolModel:
    return PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=1, call=call, **stated)


def provider(**changed: Any) -> Call:
    return Call(**{"kind": "provider", "model": "openai/x", **changed})


def test_each_kind_of_call_has_its_member(tmp_path: Path) -> None:
    Answers(pl.DataFrame(ROWS)).write(tmp_path / "answers.parquet")
    recorded = Call(kind="recorded", model=str(tmp_path / "answers.parquet"))
    models = [model("a", recorded), model("l", Call(kind="local", model="x")), model("p", provider())]
    members = members_of(Pool((*models, model("uncalled"))), names=["p", "a", "l"])
    kinds = {"p": ProviderModel, "a": RecordedModel, "l": LocalModel}
    assert {name: type(member) for name, member in members.items()} == kinds
    assert [member.name for member in members.values()] == ["p", "a", "l"]


def test_a_model_without_a_call_is_told_what_to_write() -> None:
    with pytest.raises(InputError, match=r"does not say how b, c is called; write (.|\n)*\[model\.call\]"):
        members_of(Pool((model("a", provider()), model("b"), model("c"))))
    with pytest.raises(InputError, match="unknown model 'z'"):
        members_of(Pool((model("a", provider()),)), names=["z"])


def test_a_record_answers_in_the_place_of_calls() -> None:
    members = members_of(Pool((model("a"), model("b", provider()))), answers=Answers(pl.DataFrame(ROWS)))
    assert {type(member) for member in members.values()} == {RecordedModel}
    with pytest.raises(InputError, match="no answers of c in answers; it has a, b"):
        members_of(Pool((model("c"),)), answers=Answers(pl.DataFrame(ROWS)))


def test_members_of_one_account_share_its_limits() -> None:
    pool = Pool(
        (
            model("plain", provider(), concurrency=2),
            model("steps", provider(ask="steps"), concurrency=2),
            model("faster", provider(), concurrency=3),
            model("other", provider(model="openai/y"), concurrency=2),
            model("elsewhere", provider(api_base="http://127.0.0.1/v1"), concurrency=2),
        )
    )
    limiters = {name: getattr(member, "_limiter") for name, member in members_of(pool).items()}  # noqa: B009
    assert limiters["plain"] is limiters["steps"]
    assert len({id(limiter) for limiter in limiters.values()}) == 4


def test_members_are_made_without_what_is_heavy() -> None:
    code = (
        "import sys; from routoo.members.registry import members_of; from routoo.data.call import Call; "
        "from routoo.data.pool import Pool, PoolModel; "
        "call = Call(kind='provider', model='openai/x'); "
        "members_of(Pool((PoolModel(name='p', usd_per_1m_input=1, usd_per_1m_output=1, call=call),))); "
        "print(sorted({'litellm', 'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
