from pathlib import Path

import numpy as np
import pytest
import torch

from routoo.data.text import EncodedPrompts, PromptEncoder, TextPolicy
from routoo.models.encoder import features
from routoo.models.encoder.features import prompt_features
from routoo.models.encoder.trunk import Trunk, load_trunk

TEXTS = ["one two three", "a much longer prompt with many more words in it", "four"]


@pytest.fixture(scope="module")
def trunk() -> Trunk:
    return load_trunk("tiny", texts=TEXTS)


@pytest.fixture(scope="module")
def encoded(trunk: Trunk) -> EncodedPrompts:
    return PromptEncoder(trunk.tokenizer, TextPolicy(32)).encode(TEXTS)


def test_features_are_kept_and_read_back(
    trunk: Trunk, encoded: EncodedPrompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prompt_features(trunk, encoded, (0, 2), cache_dir=tmp_path)
    assert first.shape == (3, 2 * trunk.width + 1)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(features, "read_features", refuse)
    np.testing.assert_array_equal(prompt_features(trunk, encoded, (0, 2), cache_dir=tmp_path), first)


def test_what_cannot_be_kept_is_read_nevertheless(
    trunk: Trunk, encoded: EncodedPrompts, tmp_path: Path
) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("no folder")
    with pytest.warns(UserWarning, match="features are not kept"):
        found = prompt_features(trunk, encoded, (0, 2), cache_dir=nowhere)
    np.testing.assert_array_equal(found, prompt_features(trunk, encoded, (0, 2)))


@pytest.mark.parametrize(("asked", "moved"), [("auto", ["cuda", "cpu"]), ("cpu", ["cpu"])])
def test_a_trunk_reads_on_the_card_that_is_asked_for(
    asked: str, moved: list[str], trunk: Trunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, device: seen.append(str(device)))
    with features.on_accelerator(trunk, asked):
        pass
    assert seen == moved


def test_only_prompts_that_are_new_are_read(trunk: Trunk, encoded: EncodedPrompts, tmp_path: Path) -> None:
    encoder = PromptEncoder(trunk.tokenizer, TextPolicy(32))
    first = prompt_features(trunk, encoded, (0, 2), cache_dir=tmp_path)
    seen: list[tuple[int, int]] = []
    grown = prompt_features(
        trunk,
        encoder.encode(["four", "a fifth prompt", TEXTS[0], "four"]),
        (0, 2),
        cache_dir=tmp_path,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(3, 4), (4, 4)]
    np.testing.assert_array_equal(grown[[0, 2, 3]], first[[2, 0, 2]])
    alone = prompt_features(trunk, encoder.encode(["a fifth prompt"]), (0, 2))
    np.testing.assert_allclose(grown[1], alone[0], atol=1e-5)


def test_other_layers_or_weights_are_other_features(encoded: EncodedPrompts, tmp_path: Path) -> None:
    trunk = load_trunk("tiny", texts=TEXTS)
    first = prompt_features(trunk, encoded, (0, 2), cache_dir=tmp_path)
    assert prompt_features(trunk, encoded, (2,), cache_dir=tmp_path).shape[1] < first.shape[1]
    with torch.no_grad():
        next(trunk.model.parameters()).mul_(2.0)
    changed = prompt_features(trunk, encoded, (0, 2), cache_dir=tmp_path)
    assert not np.allclose(changed, first)
    np.testing.assert_array_equal(changed, prompt_features(trunk, encoded, (0, 2)))


def test_progress_ends_with_everything_done(trunk: Trunk, encoded: EncodedPrompts) -> None:
    seen: list[tuple[int, int]] = []
    prompt_features(trunk, encoded, (2,), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)


def test_a_pooler_that_is_never_read_makes_no_other_features(encoded: EncodedPrompts, tmp_path: Path) -> None:
    trunk = load_trunk("tiny", texts=TEXTS)
    prompt_features(trunk, encoded, (0, 2), cache_dir=tmp_path)
    trunk.model.pooler = torch.nn.Linear(2, 2)
    prompt_features(trunk, encoded, (0, 2), cache_dir=tmp_path)
    assert len(list(tmp_path.rglob("*.npy"))) == 1
