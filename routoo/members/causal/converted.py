"""A GGUF file as the folder that transformers loads at once."""

from __future__ import annotations

import io
import shutil
import tempfile
from contextlib import redirect_stderr
from importlib.util import find_spec
from pathlib import Path

from routoo.data.errors import InputError, MissingExtraError
from routoo.data.storage.files import sha256_of
from routoo.data.storage.foreign import library_errors
from routoo.models.hugging_face import quiet

_VERSION = 1
"""Part of the name of a converted folder: another conversion, another folder."""


def default_cache_dir() -> Path:
    """Where converted files are kept by default."""
    return Path.home() / ".cache" / "routoo" / "converted"


def converted(path: Path, *, cache_dir: Path | None = None) -> Path:
    """A folder with the model and the tokenizer of a GGUF file, converted unless it was before.

    Reading the tokenizer of such a file takes transformers ten seconds and its weights as long, each time;
    the folder is read in less than one. Weights are dequantised to bfloat16, which rounds them by less than
    one part in 500: what is stored in four bits was rounded more. The folder is named by the file's hash, so
    that it is never out of date, and may be removed at any time.

    Args:
        path: The file.
        cache_dir: Where to keep the folder; ``~/.cache/routoo/converted`` when not given.

    Raises:
        InputError: There is no such file, or transformers cannot read it.
        MissingExtraError: gguf is not installed.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such GGUF file")
    digest = sha256_of(path)
    folder = (cache_dir or default_cache_dir()) / f"{digest[:32]}-{_VERSION}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
        try:
            _convert(path, scratch)
            _settle(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _settle(scratch: Path, folder: Path) -> None:
    """Gives the folder its name, in one step; one that another process was faster with stays."""
    try:
        scratch.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _convert(path: Path, folder: Path) -> None:
    if find_spec("gguf") is None:
        raise MissingExtraError(f"{path}: reading GGUF needs gguf: pip install 'routoo[lab]'")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    with (
        quiet(),
        redirect_stderr(io.StringIO()),
        library_errors(InputError, f"{path}: not a GGUF file that transformers can read"),
    ):
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        model = AutoModelForCausalLM.from_pretrained(
            path.parent,
            gguf_file=path.name,
            dtype=torch.bfloat16,
            quantization_config=GgufConfig(gguf_file=path.name, dequantize=True),
        )
        vars(model).update(is_quantized=False, hf_quantizer=None)  # or saving would write GGUF's blocks
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        tokenizer.save_pretrained(folder)
        model.save_pretrained(folder)
