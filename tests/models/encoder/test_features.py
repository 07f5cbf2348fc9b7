from pathlib import Path

import numpy as np
import pytest
import torch

from routoo.data.text import EncodedPrompts, PromptTokenizer, TextPolicy
from routoo.models.encoder import features
from routoo.models.encoder.encoder import Encoder
from routoo.models.encoder.features import EncoderFeatures, prompt_features


def test_features_are_kept_and_read_back(
    encoder: Encoder, encoded: EncodedPrompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prompt_features(encoder, encoded, (0, 2), cache_dir=tmp_path)
    assert first.shape == (3, 2 * encoder.width + 1)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(features, "pooled_features", refuse)
    np.testing.assert_array_equal(prompt_features(encoder, encoded, (0, 2), cache_dir=tmp_path), first)


def test_what_cannot_be_kept_is_read_nevertheless(
    encoder: Encoder, encoded: EncodedPrompts, tmp_path: Path
) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("no folder")
    with pytest.warns(UserWarning, match="features are not kept"):
        found = prompt_features(encoder, encoded, (0, 2), cache_dir=nowhere)
    np.testing.assert_array_equal(found, prompt_features(encoder, encoded, (0, 2)))


@pytest.mark.parametrize(("asked", "moved"), [("auto", ["cuda", "cpu"]), ("cpu", ["cpu"])])
def test_an_encoder_reads_on_the_card_that_is_asked_for(
    asked: str, moved: list[str], encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, device: seen.append(str(device)))
    with features.on_accelerator(encoder, asked):
        pass
    assert seen == moved


def test_only_prompts_that_are_new_are_read(
    texts: list[str], encoder: Encoder, encoded: EncodedPrompts, tmp_path: Path
) -> None:
    tokenizer = PromptTokenizer(encoder.tokenizer, TextPolicy(32))
    first = prompt_features(encoder, encoded, (0, 2), cache_dir=tmp_path)
    seen: list[tuple[int, int]] = []
    grown = prompt_features(
        encoder,
        tokenizer.encode([texts[2], "a fifth prompt", texts[0], texts[2]]),
        (0, 2),
        cache_dir=tmp_path,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 1)]
    np.testing.assert_array_equal(grown[[0, 2, 3]], first[[2, 0, 2]])
    alone = prompt_features(encoder, tokenizer.encode(["a fifth prompt"]), (0, 2))
    np.testing.assert_allclose(grown[1], alone[0], atol=1e-5)


def test_other_layers_or_weights_are_other_features(
    encoder: Encoder, encoded: EncodedPrompts, tmp_path: Path
) -> None:
    first = prompt_features(encoder, encoded, (0, 2), cache_dir=tmp_path)
    assert prompt_features(encoder, encoded, (2,), cache_dir=tmp_path).shape[1] < first.shape[1]
    with torch.no_grad():
        next(encoder.model.parameters()).mul_(2.0)
    changed = prompt_features(encoder, encoded, (0, 2), cache_dir=tmp_path)
    assert not np.allclose(changed, first)
    np.testing.assert_array_equal(changed, prompt_features(encoder, encoded, (0, 2)))


def test_progress_ends_with_everything_done(encoder: Encoder, encoded: EncodedPrompts) -> None:
    seen: list[tuple[int, int]] = []
    prompt_features(encoder, encoded, (2,), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)


def test_a_pooler_that_is_never_read_makes_no_other_features(
    encoder: Encoder, encoded: EncodedPrompts, tmp_path: Path
) -> None:
    prompt_features(encoder, encoded, (0, 2), cache_dir=tmp_path)
    encoder.model.pooler = torch.nn.Linear(2, 2)
    prompt_features(encoder, encoded, (0, 2), cache_dir=tmp_path)
    assert len(list(tmp_path.rglob("*.npy"))) == 1


def test_a_text_is_read_once(texts: list[str]) -> None:
    seen: list[tuple[int, int]] = []
    read = EncoderFeatures("tiny", last_layer=True, progress=lambda *done: seen.append(done))
    first = read([texts[0], texts[1], texts[0]])
    again = read([texts[2], texts[1]])
    assert [done for done, total in seen if done == total] == [2, 1]
    np.testing.assert_array_equal(first[[0, 1]], np.stack([first[2], again[1]]))


def test_no_text_has_no_features(texts: list[str]) -> None:
    read = EncoderFeatures("tiny", last_layer=True)
    known = read(texts)
    assert read([]).shape == (0, known.shape[1])


def test_not_every_text_is_remembered(texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_MOST_KNOWN", 1)
    seen: list[tuple[int, int]] = []
    read = EncoderFeatures("tiny", last_layer=True, progress=lambda *done: seen.append(done))
    first = read(texts[:2])
    np.testing.assert_array_equal(read(texts[:2]), first)
    assert [done for done, total in seen if done == total] == [2, 2]
