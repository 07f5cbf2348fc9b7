"""Models of Hugging Face: found at the hub where nothing nearer has them, and loaded without remarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from routoo.data.errors import InputError, MissingExtraError


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps transformers from drawing a bar for a moment's work, and from remarks on how it loads."""
    from transformers.utils import logging

    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it untyped
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it untyped


def hub_folder(what: str, *, name: str, wanted: Sequence[str], tried: Sequence[str]) -> Path:
    """The folder of a model in the local hub cache, or fetched from the hub.

    Args:
        what: What to call it in messages: encoder, model.
        name: Its id at the hub.
        wanted: Patterns of the files that are read.
        tried: Where it was looked for before.

    Raises:
        InputError: It is at neither; the message lists all places.
        MissingExtraError: The hub's client is not installed.
    """
    try:
        from huggingface_hub import snapshot_download
    except ModuleNotFoundError:
        raise MissingExtraError(
            f"{what} {name!r} was not found; looked in: {'; '.join(tried)}; to look at the hub: "
            "pip install 'routoo[hub]'"
        ) from None
    places = [*tried]
    for where, local in (("local hub cache", True), ("hub", False)):
        try:
            return Path(snapshot_download(name, allow_patterns=list(wanted), local_files_only=local))
        except Exception as error:  # the hub client raises many kinds; all mean: not there
            places.append(f"{where} ({type(error).__name__})")
    raise InputError(f"{what} {name!r} was not found; looked in: {'; '.join(places)}")
