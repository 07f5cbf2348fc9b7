"""What cannot be found or run is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from routoo.data.errors import InputError
from routoo.members.causal import language_model as loading
from routoo.members.causal.language_model import language_model


def test_a_model_that_is_nowhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(name: str, **options: object) -> str:
        raise OSError(f"{name} is not here")

    monkeypatch.setattr("huggingface_hub.snapshot_download", nowhere)
    with pytest.raises(InputError, match=r"folder nobody/none; local hub cache \(OSError\); hub \(OSError\)"):
        language_model("nobody/none")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be loaded"):
        language_model(str(tmp_path))


def test_weights_that_are_absent_are_named() -> None:
    with pytest.raises(InputError, match=r"model m: its file of weights lacks lm_head\.weight"):
        loading._check(SimpleNamespace(config=SimpleNamespace()), "m", ["lm_head.weight"])


def test_layers_without_attention_are_refused() -> None:
    config = SimpleNamespace(layer_types=["full_attention", "linear_attention"])
    with pytest.raises(InputError, match="has layers of linear_attention"):
        loading._check(SimpleNamespace(config=config), "m", [])


@pytest.mark.parametrize("config", [{"model_type": "bloom"}, {"model_type": "falcon", "alibi": True}])
def test_positions_by_a_bias_on_attention_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="ALiBi"):
        loading._check(SimpleNamespace(config=SimpleNamespace(**config)), "m", [])


def test_ends_are_what_the_files_say_and_known_ends_of_turns(make_folder: Callable[..., Path]) -> None:
    found = language_model(str(make_folder("llama")), dtype="float32")
    assert found.ends == {1, *range(10, 30)}
