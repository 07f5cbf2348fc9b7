"""A causal language model with its tokenizer, loaded once for all who ask it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from routoo.data.errors import InputError, MissingExtraError
from routoo.data.storage.foreign import library_errors
from routoo.data.words import some
from routoo.members.causal.attention import attend_by_products
from routoo.members.causal.converted import converted
from routoo.members.causal.dtype import dtype_of
from routoo.models.hugging_face import hub_folder, quiet

_ATTENTION = {"full_attention", "sliding_attention"}
_ENDS_OF_TURNS = ("<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>")
"""Tokens that end an answer whether or not the model's files say so."""

_BIASED = {"bloom", "mpt"}
"""Kinds that tell positions by a bias on attention (ALiBi), made anew from a mask without slots."""

_WANTED = ["*.json", "*.safetensors", "*.jinja", "tokenizer.model"]

_LOCK = threading.Lock()


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A causal language model, its tokenizer, and what ends an answer.

    Args:
        model: The network, in evaluation mode, where it runs.
        tokenizer: The tokenizer that belongs to it, with its chat template where it has one.
        ends: Tokens that end an answer.
        window: Most tokens of a prompt and its answer together; None where nobody says.
        lock: Held by who runs it.
    """

    model: Any  # a network of transformers, which leaves its types open
    tokenizer: Any  # likewise
    ends: frozenset[int]
    window: int | None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        found: torch.device = next(self.model.parameters()).device
        return found


_LOADED: WeakValueDictionary[tuple[str, str, str | None], LanguageModel] = WeakValueDictionary()


def language_model(name: str, *, dtype: str = "auto", adapter: str | None = None) -> LanguageModel:
    """The model of this name; the same object to all who hold it at one time.

    Args:
        name: A folder, a GGUF file, or a hub id, looked for in the local hub cache and at the hub.
        dtype: Of the weights: ``float32``, ``bfloat16``, or ``auto`` for what is faster here.
        adapter: Folder of a low-rank adapter, which is merged into the weights.

    Raises:
        InputError: There is no such model, or it cannot be run here.
        MissingExtraError: What reads it is not installed.
    """
    key = (name, dtype, adapter)
    with _LOCK:
        found = _LOADED.get(key)
        if found is None:
            found = _LOADED[key] = _load(name, dtype, adapter)
    return found


def _load(name: str, dtype: str, adapter: str | None) -> LanguageModel:
    folder = model_folder(name)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with quiet(), library_errors(InputError, f"model {name} cannot be loaded"):
        tokenizer = AutoTokenizer.from_pretrained(folder)
        found: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype_of(dtype, device),
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    model, report = found
    _check(model, name, report["missing_keys"])
    if adapter is not None:
        model = _merged(model, adapter)
    model = model.requires_grad_(False).eval().to(device)
    attend_by_products(model)
    window = getattr(model.config, "max_position_embeddings", None)
    return LanguageModel(model, tokenizer, _ends(model, tokenizer), window)


def model_folder(name: str) -> Path:
    """The folder with a model's files: as given, converted from a GGUF file, or from the hub.

    Raises:
        InputError: There is no such model.
    """
    path = Path(name)
    if path.suffix == ".gguf":
        return converted(path)
    if path.is_dir():
        return path
    return hub_folder("model", name=name, wanted=_WANTED, tried=[f"folder {name}"])


def _check(model: Any, name: str, absent: Iterable[str]) -> None:  # Any: see LanguageModel
    if absent := sorted(absent):
        raise InputError(f"model {name}: its file of weights lacks {some(absent)}")
    if getattr(model.config, "model_type", None) in _BIASED or getattr(model.config, "alibi", False):
        raise InputError(
            f"model {name} tells positions by a bias on attention (ALiBi), which is not run here: serve it "
            "elsewhere, and call it as a provider"
        )
    if odd := sorted(set(getattr(model.config, "layer_types", None) or ()) - _ATTENTION):
        raise InputError(
            f"model {name} has layers of {', '.join(odd)}; here those of {' and '.join(sorted(_ATTENTION))} "
            "are run: serve it elsewhere, and call it as a provider"
        )


def _merged(model: Any, adapter: str) -> Any:  # Any: see LanguageModel
    try:
        from peft import PeftModel
    except ImportError as error:
        raise MissingExtraError("an adapter needs peft: pip install routoo[lab]") from error
    if not Path(adapter).is_dir():
        raise InputError(f"adapter {adapter}: no such folder")
    with library_errors(InputError, f"adapter {adapter} does not fit the model"), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft uses names that transformers will take away
        return PeftModel.from_pretrained(model, adapter, local_files_only=True).merge_and_unload()


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:  # Any: see LanguageModel
    """What the model's files call the end of a text, and the known ends of turns that its vocabulary has."""
    stated = model.generation_config.eos_token_id
    found = set(stated if isinstance(stated, list) else [stated]) | {tokenizer.eos_token_id}
    added = tokenizer.get_added_vocab()
    found |= {added.get(token) for token in _ENDS_OF_TURNS}
    return frozenset(token for token in found if token is not None)
