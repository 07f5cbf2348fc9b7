"""SATER on a toy decoder (`tests/support/toy.py`), from sampling to its gain over sending at random."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from toy import toy_model, toy_prompts

from routoo.collect.prompts import PromptsToAsk, read_to_ask
from routoo.data.answer import Answer
from routoo.data.call import Call
from routoo.data.errors import InputError
from routoo.data.pool import Pool, PoolModel
from routoo.members.local import LocalModel
from routoo.sater.metrics import TwoModels
from routoo.sater.run import SaterRun, at_threshold, train_sater
from routoo.sater.sampling import Verifier
from routoo.sater.settings import SaterSettings
from routoo.sater.voting import ConfidenceVote
from routoo.sater.voting_model import VotingModel
from routoo.tuning.low_rank import LowRank

SETTINGS = SaterSettings(
    samples=6,
    temperature=1.0,
    thresholds=(0.2, 0.5, 0.8, 1.0),
    most_lessons=600,
    preference=LowRank(learning_rate=5e-4, batch_size=8, upper=1.0),
    refusal=LowRank(learning_rate=5e-3, batch_size=16, epochs=8, upper=1.0),
)
TEST = read_to_ask(toy_prompts(300, seed=6))


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> PoolModel:
    folder = toy_model(tmp_path_factory.mktemp("toy"))
    call = Call(kind="local", model=str(folder), dtype="float32", max_tokens=48)
    return PoolModel(name="toy", usd_per_1m_input=1, usd_per_1m_output=2, call=call)


@pytest.fixture(scope="module")
def prompts() -> PromptsToAsk:
    return read_to_ask(toy_prompts(480, seed=5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def run(toy: PoolModel, prompts: PromptsToAsk, folder: Path) -> SaterRun:
    return train_sater(toy, prompts, folder, settings=SETTINGS)


def _answers(model: PoolModel) -> list[Answer]:
    found: dict[str, Answer] = {}

    def take(answer: Answer) -> None:
        found[answer.prompt_id] = answer

    requests = [prompt.request for prompt in TEST.prompts]
    LocalModel(model).answer(requests, signals=("refusal",), on_answer=take)
    return [found[prompt.prompt_id] for prompt in TEST.prompts]


def _right(answers: Sequence[Answer]) -> np.ndarray:
    verifier = Verifier()
    pairs = zip(TEST.prompts, answers, strict=True)
    return np.array([float(verifier.correct(prompt, answer.answer or "")) for prompt, answer in pairs])


def _refused(answers: Sequence[Answer]) -> np.ndarray:
    return np.array([answer.signals["refusal"] > 0 for answer in answers])


def _drawn_refusals(model: PoolModel) -> float:
    """The fraction of four samples a prompt that refuse."""
    assert model.call is not None
    drawn = LocalModel(replace(model, call=replace(model.call, temperature=1.0)))
    requests = [replace(prompt.request, sample=sample) for prompt in TEST.prompts for sample in range(4)]
    refused: list[float] = []
    drawn.answer(
        requests, signals=("refusal",), on_answer=lambda answer: refused.append(answer.signals["refusal"])
    )
    return float(np.mean(refused))


def test_stage_one_is_shorter_and_as_often_right(run: SaterRun) -> None:
    assert run.after.tokens < 0.75 * run.before.tokens
    before, after = _answers(run.member), _answers(run.short)
    assert _right(after).mean() > _right(before).mean() - 0.05
    assert np.mean([one.output_tokens or 0 for one in after]) < np.mean(
        [one.output_tokens or 0 for one in before]
    )


def test_refusals_rise_with_the_threshold(run: SaterRun) -> None:
    rates = [_drawn_refusals(run.at(threshold)) for threshold in run.thresholds]
    assert all(later > earlier - 0.03 for earlier, later in pairwise(rates))
    assert rates[-1] > rates[0] + 0.15


def test_what_is_answered_is_right_more_often_the_higher_the_threshold(run: SaterRun) -> None:
    found = [_right(_answers(run.short)).mean()]
    for threshold in run.thresholds:
        answers = _answers(run.at(threshold))
        found.append(_right(answers)[~_refused(answers)].mean())
    assert min(found[1:]) > found[0] + 0.1
    assert found[-1] > found[1] + 0.1


def test_routing_by_refusals_gains_over_sending_at_random(run: SaterRun) -> None:
    small = _answers(run.short)
    n = len(small)
    two = TwoModels(
        small_score=_right(small),
        large_score=np.ones(n),
        small_cost=np.array([one.output_tokens or 0.0 for one in small]),
        large_cost=np.full(n, 60.0),
    )
    points = []
    for threshold in run.thresholds:
        answers = _answers(run.at(threshold))
        tokens = np.array([one.output_tokens or 0.0 for one in answers])
        at = replace(two, small_score=_right(answers), small_cost=tokens)
        points.append(at.sending(_refused(answers), overhead=tokens))
    assert two.gain_ratio([]) == 0
    assert two.gain_ratio([two.golden]) == pytest.approx(1)
    assert 0.2 < two.gain_ratio(points) < 1


def test_samples_vote(run: SaterRun) -> None:
    voter = at_threshold(run.refusing, 0.5)
    assert voter.call is not None
    drawn = LocalModel(replace(voter, call=replace(voter.call, temperature=1.0)))
    member = VotingModel("vote", [drawn] * 4, ConfidenceVote((0.5,) * 4, 0.75))
    found: list[Answer] = []
    requests = [prompt.request for prompt in TEST.prompts[:60]]
    member.answer(requests, signals=("refusal",), on_answer=found.append)
    refused = np.mean([answer.signals["refusal"] for answer in found])
    assert 0 < refused < 1
    assert len({answer.prompt_id for answer in found}) == 60


def test_members_are_written_as_a_pool(run: SaterRun, folder: Path) -> None:
    pool = Pool.read(folder / "pool.toml")
    assert pool.names[2:] == ("toy-sater@0.2", "toy-sater@0.5", "toy-sater@0.8", "toy-sater@1")
    assert pool["toy-sater@0.5"].call == run.at(0.5).call


def test_a_run_that_was_killed_goes_on(
    run: SaterRun, toy: PoolModel, prompts: PromptsToAsk, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "samples-before", tmp_path / "samples-before")
    shutil.copy(folder / "run.json", tmp_path)
    last = max((tmp_path / "samples-before").iterdir())
    held = pl.read_parquet(last)
    last.unlink()
    stages: set[str] = set()

    class KilledError(Exception):
        pass

    def kill(stage: str, done: int, total: int) -> None:
        stages.add(stage)
        if stage == "stage-one" and done > 26:
            raise KilledError

    with pytest.raises(KilledError):
        train_sater(toy, prompts, tmp_path, settings=SETTINGS, on_progress=kill)
    assert pl.read_parquet(last).equals(held)
    first: list[int] = []

    def look(stage: str, done: int, total: int) -> None:
        if stage == "stage-one":
            first.append(done)
        if stage == "samples-after":
            raise KilledError

    with pytest.raises(KilledError):
        train_sater(toy, prompts, tmp_path, settings=SETTINGS, on_progress=look)
    assert first[0] == 26  # 25 steps were kept
    weights = "stage-one/adapter/adapter_model.safetensors"
    assert (tmp_path / weights).read_bytes() == (folder / weights).read_bytes()


def test_a_folder_of_another_run_is_refused(
    run: SaterRun, toy: PoolModel, prompts: PromptsToAsk, folder: Path
) -> None:
    with pytest.raises(InputError, match="a run with other settings"):
        train_sater(toy, prompts, folder, settings=replace(SETTINGS, beta=0.2))
