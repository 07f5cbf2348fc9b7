"""Low-rank adapters on the upper layers of a causal language model."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from routoo.data.checks.arguments import number
from routoo.data.errors import InputError
from routoo.members.causal.dtype import dtype_of
from routoo.members.causal.language_model import model_folder


@dataclass(frozen=True, kw_only=True)
class LowRank:
    """How adapters are trained.

    Layers below the adapted ones need no gradient, so that a step costs them a forward pass alone.

    Args:
        learning_rate: Largest one, warmed up over a tenth of the steps and lowered to 0 by a cosine.
        batch_size: Examples a step.
        epochs: How often each example is seen.
        rank: Of the adapters.
        alpha: Their scale is ``alpha / rank``.
        upper: Fraction of the layers that is adapted, from the top.
        dtype: Of the model's weights; adapters are float32.
        seed: Of adapters and order.

    Raises:
        InputError: A number cannot be used.
    """

    learning_rate: float = 1e-3
    batch_size: int = 16
    epochs: int = 1
    rank: int = 16
    alpha: int = 32
    upper: float = 0.5
    dtype: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch_size", "epochs", "rank", "alpha"):
            number(name, getattr(self, name), least=1, whole=True)
        number("seed", self.seed, whole=True)
        number("learning_rate", self.learning_rate, finite=True)
        if not 0 < number("upper", self.upper) <= 1:
            raise InputError(f"upper must be above 0 and at most 1, got {self.upper}")


@dataclass(frozen=True, eq=False)
class Adapted:
    """A model with adapters that are to be trained.

    Args:
        model: The network with its adapters; the rest is frozen.
        tokenizer: The tokenizer that belongs to it.
    """

    model: Any  # peft's model, which leaves its types open
    tokenizer: Any  # likewise

    @property
    def network(self) -> Any:  # Any: a network of transformers
        """The network itself, adapters included."""
        return self.model.base_model.model

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        found: torch.device = next(self.model.parameters()).device
        return found

    def trained(self) -> dict[str, torch.nn.Parameter]:
        """The adapters' weights by name."""
        return {name: weights for name, weights in self.model.named_parameters() if weights.requires_grad}

    def save(self, folder: Path) -> None:
        """Writes the adapters' folder in one rename."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as beside, warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft uses names that transformers will take away
            self.model.save_pretrained(Path(beside) / "adapter", save_embedding_layers=False)
            (Path(beside) / "adapter").rename(folder)


def adapted(model: str, settings: LowRank, *, adapter: str | None = None) -> Adapted:
    """A model with adapters on its upper layers: new ones, or those of a folder to be trained on.

    Args:
        model: A folder, a GGUF file, or a hub id.
        settings: How they are trained.
        adapter: Folder of adapters to go on from.

    Raises:
        InputError: There is no such model, or no such folder.
    """
    if adapter is not None and not Path(adapter).is_dir():
        raise InputError(f"adapter {adapter}: no such folder")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    folder = model_folder(model)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype_of(settings.dtype, device))
    layers = network.config.num_hidden_layers
    adapted_layers = max(1, round(layers * settings.upper))
    with warnings.catch_warnings(), torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        warnings.simplefilter("ignore", FutureWarning)  # peft uses names that transformers will take away
        if adapter is not None:
            found: Any = PeftModel.from_pretrained(network, adapter, is_trainable=True, local_files_only=True)
        else:
            config = LoraConfig(
                r=settings.rank,
                lora_alpha=settings.alpha,
                target_modules=_linear(network),
                lora_dropout=0.0,
                layers_to_transform=list(range(layers - adapted_layers, layers)),
                task_type="CAUSAL_LM",
            )
            found = get_peft_model(network, config)
    return Adapted(found.to(device).train(), tokenizer)


def _linear(network: Any) -> list[str]:  # Any: a network of transformers
    """What the linear maps within the layers are called."""
    modules = network.base_model.named_modules()
    return sorted(
        {name.rpartition(".")[2] for name, module in modules if isinstance(module, torch.nn.Linear)}
    )
