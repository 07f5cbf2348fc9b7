"""`routoo answer`: a prompt, or a file of them, routed and answered by what was recorded or over HTTP."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from provider_server import Asked, Sent, completion, failure, serving
from typer.testing import Result

from routoo.data.answer import Answer
from routoo.data.answers import Answers
from routoo.data.call import Call
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.request import Request
from routoo.router import Router

Routoo = Callable[..., Result]


@pytest.fixture
def outcomes(simulated: Outcomes, tmp_path: Path) -> Path:
    """The simulated outcomes, with a response each."""
    said = simulated.outcomes.with_columns(response=pl.col("model") + " says " + pl.col("prompt_id"))
    Outcomes(simulated.prompts, said).write(tmp_path / "outcomes")
    return tmp_path / "outcomes"


@pytest.fixture
def prompts(simulated: Outcomes, tmp_path: Path) -> Path:
    simulated.prompts.select("prompt_id", "prompt").head(12).write_parquet(tmp_path / "prompts.parquet")
    return tmp_path / "prompts.parquet"


def test_one_prompt_is_answered_by_what_was_recorded(
    routoo: Routoo, bundle_folder: Path, outcomes: Path, simulated: Outcomes
) -> None:
    text, name = simulated.texts[0], simulated.prompt_ids[0]
    result = routoo("answer", bundle_folder, text, "--answers", outcomes)
    model = routoo("select", bundle_folder, text, "-q").stdout.strip()
    assert result.stdout == f"{model} says {name}\n"
    assert f"{model}: predicted score 0." in result.stderr
    found = json.loads(
        routoo("answer", bundle_folder, "-", "--answers", outcomes, "--json", stdin=text).stdout
    )
    assert (found["answer"], found["model"]) == (f"{model} says {name}", model)
    assert found.keys() >= {"p_correct", "cost_usd", "predicted_cost_usd"}


def test_a_prompt_that_has_no_answer_leaves_with_an_error(
    routoo: Routoo, bundle_folder: Path, outcomes: Path
) -> None:
    result = routoo("answer", bundle_folder, "What was never asked?", "--answers", outcomes)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "gave no answer: no answer to it was recorded" in result.stderr


@pytest.mark.parametrize("by", [("--price", "0"), ("--budget-usd", "1"), ("--cascade", "--price", "0")])
def test_a_prompt_goes_to_nobody_who_is_expected_to_miss_its_deadline(
    routoo: Routoo, bundle_folder: Path, outcomes: Path, prompts: Path, tmp_path: Path, by: tuple[str, ...]
) -> None:
    """Every other prompt has a deadline between the quickest model and the slowest; the others have none."""
    rows = pl.read_parquet(prompts)
    scores = Router.from_pretrained(bundle_folder).predict(rows["prompt"].to_list())
    middle = np.sort(scores.latency, axis=1)[:, 2].tolist()
    own = [seconds if at % 2 else None for at, seconds in enumerate(middle)]
    rows.with_columns(max_latency_s=pl.Series(own)).write_parquet(tmp_path / "urgent.parquet")
    asked = []
    for source in (prompts, tmp_path / "urgent.parquet"):
        line = ("answer", bundle_folder, source, *by, "--answers", outcomes, "-o", tmp_path / "out.parquet")
        assert routoo(*line).exit_code in (0, 1)
        found = pl.read_parquet(tmp_path / "out.parquet")
        asked.append((found["asked"] if "--cascade" in by else found["model"].reshape((-1, 1))).to_list())
    late = 0
    for at, (free, kept) in enumerate(zip(*asked, strict=True)):
        if own[at] is None:
            assert kept == free
            continue
        seconds = dict(zip(scores.models, scores.latency[at].tolist(), strict=True))
        assert all(seconds[model] <= middle[at] + 1e-6 for model in kept)
        late += any(seconds[model] > middle[at] for model in free)
    assert late > 1, "without deadlines some would be late"


def test_a_contract_knows_of_no_deadline(
    routoo: Routoo, bundle_folder: Path, prompts: Path, data_folder: Path, tmp_path: Path
) -> None:
    line = ("contract", bundle_folder, data_folder, "--share", "0.3", "--confidence", "0.3")
    routoo(*line, "-o", tmp_path / "contract.json")
    assert (tmp_path / "contract.json").is_file()
    rows = pl.read_parquet(prompts).with_columns(max_latency_s=pl.lit(9.0))
    rows.write_parquet(tmp_path / "urgent.parquet")
    urgent, output = tmp_path / "urgent.parquet", tmp_path / "out.parquet"
    for verb in ("assign", "answer"):
        result = routoo(verb, bundle_folder, urgent, "--contract", tmp_path / "contract.json", "-o", output)
        assert result.exit_code == 2
        assert "has max_latency_s, and a contract holds for choices at its price alone" in result.stderr


@pytest.mark.parametrize("limits", [(), ("--budget-usd", "1"), ("--models", "small,large", "--price", "0")])
@pytest.mark.parametrize("ending", [".parquet", ".jsonl"])
def test_a_file_is_answered_into_a_file(
    routoo: Routoo,
    bundle_folder: Path,
    outcomes: Path,
    prompts: Path,
    tmp_path: Path,
    limits: tuple[str, ...],
    ending: str,
    simulated_models: Pool,
) -> None:
    if "--models" in limits:
        limits = ("--models", ",".join(simulated_models.names[:2]), *limits[2:])
    written = tmp_path / f"answers{ending}"
    result = routoo("answer", bundle_folder, prompts, "--answers", outcomes, "-o", written, *limits)
    assert result.exit_code == 0, result.output
    rows = pl.read_parquet(written) if ending == ".parquet" else pl.read_ndjson(written)
    ids = pl.read_parquet(prompts)["prompt_id"].to_list()
    assert rows["prompt_id"].to_list() == ids
    models = rows["model"].to_list()
    assert rows["answer"].to_list() == [f"{model} says {at}" for model, at in zip(models, ids, strict=True)]
    assert rows["p_correct"].is_between(0, 1).all()
    assert "12 prompts: 0 without an answer, cost" in result.stdout
    if ending == ".parquet":
        assert len(Answers.read(written)) == 12


def test_a_file_may_be_answered_as_json(
    routoo: Routoo, bundle_folder: Path, outcomes: Path, prompts: Path
) -> None:
    found = json.loads(routoo("answer", bundle_folder, prompts, "--answers", outcomes, "--json", "-q").stdout)
    assert (found["prompts"], found["failed"], len(found["answers"])) == (12, 0, 12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("2 + 2?", "-o", "a.parquet"), "-o and --budget-usd are of a file of prompts"),
        (("2 + 2?", "--budget-usd", "1"), "-o and --budget-usd are of a file of prompts"),
        (("{prompts}",), "written to a file: give -o, or --json"),
        (("{prompts}", "--json", "--budget-usd", "1", "--price", "2"), "leave --price out"),
        (("{prompts}", "-o", "a.csv"), "ends in .parquet, .jsonl"),
        (("2 + 2?", "--models", "huge"), "unknown model 'huge'"),
        (("2 + 2?", "--answers", "nowhere.parquet"), "no such file"),
    ],
)
def test_what_does_not_go_together_is_refused(
    routoo: Routoo, bundle_folder: Path, prompts: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = routoo("answer", bundle_folder, *(one.format(prompts=prompts) for one in arguments))
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize("asked", ["2 + 2?", "{prompts}"])
@pytest.mark.parametrize(
    ("limit", "code"),
    [
        (("--max-cost-usd", "1e-12"), 3),
        (("--max-latency-s", "1e-9"), 3),
        (("--tag", "nobody-has-it"), 2),
        (("--confidence", "2"), 2),
        (("--price", "-1"), 2),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_every_limit_is_kept(
    routoo: Routoo,
    bundle_folder: Path,
    outcomes: Path,
    prompts: Path,
    asked: str,
    limit: tuple[str, ...],
    code: int,
) -> None:
    asked = asked.format(prompts=prompts)
    options = ("--json",) if asked.endswith(".parquet") else ()
    assert routoo("answer", bundle_folder, asked, "--answers", outcomes, *options, *limit).exit_code == code


def test_a_pool_without_calls_says_what_to_write(routoo: Routoo, bundle_folder: Path) -> None:
    result = routoo("answer", bundle_folder, "2 + 2?")
    assert result.exit_code == 2
    assert "the pool does not say how" in result.stderr
    assert "[model.call]" in result.stderr


@pytest.fixture
def called(simulated_models: Pool, tmp_path: Path) -> Callable[[str], Path]:
    """Writes the pool with a call for every model to an address."""

    def write(address: str) -> Path:
        rows = simulated_models.to_records()
        for row in rows:
            call = Call(kind="provider", model=f"openai/{row['name']}", api_base=address)
            row["call"] = call.to_record()
        Pool.from_records(rows).write(tmp_path / "called.toml")
        return tmp_path / "called.toml"

    return write


def test_models_are_called_over_http(
    routoo: Routoo, bundle_folder: Path, prompts: Path, tmp_path: Path, called: Callable[[str], Path]
) -> None:
    def model_and_prompt(asked: Asked, before: int) -> Sent:
        if before == 3:
            return failure(404)
        usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12} if before != 5 else None
        return Sent(completion(f"{asked.body['model']}!", usage=usage))

    with serving(model_and_prompt) as server:
        pool, written = called(server.address), tmp_path / "answers.parquet"
        result = routoo("answer", bundle_folder, prompts, "--pool", pool, "-o", written)
        one = routoo("answer", bundle_folder, "2 + 2?", "--pool", pool, "-q")
    rows = pl.read_parquet(written)
    assert rows["error"].drop_nulls().to_list() == ["the provider knows no such model (404)"]
    kept = rows.drop_nulls("answer")
    assert kept["answer"].to_list() == [f"{model}!" for model in kept["model"]]
    assert "12 prompts: 1 without an answer, cost" in result.stdout
    assert "and 1 answer of unknown cost" in result.stdout
    assert "reports no usage, or one that cannot be" in result.stderr
    assert one.stdout.endswith("!\n")
    assert len(server.asked) == 13


def test_what_was_answered_is_not_asked_for_again(
    routoo: Routoo, bundle_folder: Path, prompts: Path, tmp_path: Path, called: Callable[[str], Path]
) -> None:
    """Seven of twelve fail; then one more prompt is another, so that eight are asked for."""
    down, written = True, tmp_path / "answers.parquet"
    kept = tmp_path / "answers.parquet.journal"

    def until_down(asked: Asked, before: int) -> Sent:
        return failure(404) if down and before >= 5 else Sent(completion(f"answer {before}"))

    with serving(until_down) as server:
        pool = called(server.address)
        first = routoo("answer", bundle_folder, prompts, "--pool", pool, "-o", written)
        before = pl.read_parquet(written).drop_nulls("answer").select("prompt_id", "answer")
        assert (len(before), kept.exists()) == (5, True)
        assert "12 prompts: 7 without an answer" in first.stdout
        changed = before["prompt_id"][0]
        texts = pl.when(prompt_id=changed).then(pl.lit("Another.")).otherwise(pl.col("prompt"))
        pl.read_parquet(prompts).with_columns(prompt=texts).write_parquet(prompts)
        down = False
        second = routoo("answer", bundle_folder, prompts, "--pool", pool, "-o", written)
        assert (len(server.asked), kept.exists()) == (12 + 8, False)
    assert "4 answers of an earlier run; the others are asked for" in second.stderr
    after = pl.read_parquet(written)
    assert after["answer"].null_count() == 0
    same = before.filter(pl.col("prompt_id") != changed).join(after, on=["prompt_id", "answer"])
    assert len(same) == 4


def test_what_came_before_an_interrupt_is_kept(
    routoo: Routoo,
    bundle_folder: Path,
    outcomes: Path,
    prompts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def some(
        members: object,
        asked: object,
        models: object,
        *,
        on_answer: Callable[[Answer], None],
        on_remark: object,
    ) -> None:
        ids = pl.read_parquet(prompts)["prompt_id"].to_list()[:3]
        for name in ids:
            on_answer(Answer(prompt_id=name, model="m", answer="4"))
        raise KeyboardInterrupt

    monkeypatch.setattr("routoo.answering.answer", some)
    written = tmp_path / "answers.parquet"
    result = routoo("answer", bundle_folder, prompts, "--answers", outcomes, "-o", written)
    assert result.exit_code == 130
    assert len(pl.read_parquet(written)) == 3
    assert "the 3 answers that came" in result.stderr


def test_an_interrupt_keeps_what_came_until_it_is_written_by_a_run_that_ends(
    routoo: Routoo,
    bundle_folder: Path,
    prompts: Path,
    tmp_path: Path,
    called: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def all_of(
        members: object,
        asked: list[Request],
        models: list[str],
        *,
        on_answer: Callable[[Answer], None],
        on_remark: object,
    ) -> None:
        for request, model in zip(asked, models, strict=True):
            on_answer(Answer(prompt_id=request.prompt_id, model=model, answer="4"))
        raise KeyboardInterrupt

    monkeypatch.setattr("routoo.answering.answer", all_of)
    written = tmp_path / "answers.parquet"
    line = ("answer", bundle_folder, prompts, "--pool", called("http://127.0.0.1:9/v1"), "-o", written)
    assert routoo(*line).exit_code == 130
    second = routoo(*line)  # asks nobody, else it would be interrupted
    assert second.exit_code == 0
    assert "12 answers of an earlier run" in second.stderr
    assert pl.read_parquet(written)["answer"].to_list() == ["4"] * 12
    assert not (tmp_path / "answers.parquet.journal").exists()


def test_calls_in_flight_at_an_interrupt_are_paid_once(
    routoo: Routoo, bundle_folder: Path, prompts: Path, tmp_path: Path, called: Callable[[str], Path]
) -> None:
    """Two calls at once, interrupted when the fourth has begun: four answers are kept, eight asked for."""

    def interrupting(asked: Asked, before: int) -> Sent:
        if before == 3:
            os.kill(os.getpid(), signal.SIGINT)
        if before in (2, 3):
            time.sleep(0.5)
        return Sent(completion(f"answer {before}"))

    written = tmp_path / "answers.parquet"
    with serving(interrupting) as server:
        pool = Pool.read(called(server.address))
        slow = Pool(tuple(replace(model, concurrency=2) for model in pool.select(pool.names[:1]).models))
        slow.write(tmp_path / "slow.toml")
        line = ("answer", bundle_folder, prompts, "--pool", tmp_path / "slow.toml", "-o", written)
        first = routoo(*line)
        assert (first.exit_code, len(server.asked)) == (130, 4)
        assert "stopping: calls in flight are waited for" in first.stderr
        assert "the 4 answers that came; the same command asks for the others" in first.stderr
        second = routoo(*line)
        assert (second.exit_code, len(server.asked)) == (0, 12)
    answers = pl.read_parquet(written)["answer"]
    assert sorted(answers) == sorted(f"answer {at}" for at in range(12))
