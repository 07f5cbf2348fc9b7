"""Bundles from and to the Hugging Face hub; needs extra `hub`."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from routoo.data.errors import BundleError, MissingExtraError
from routoo.export.layout import LAYOUT


def is_hub_id(text: str) -> bool:
    """Whether this reads as ``owner/name``.

    >>> is_hub_id("team/router"), is_hub_id("./bundle"), is_hub_id("a/b/c")
    (True, False, False)
    """
    return re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", text, re.ASCII) is not None


def download(hub_id: str, *, revision: str | None = None) -> Path:
    """The folder of the local hub cache that holds the bundle's files, fetched where they are not yet there.

    Raises:
        BundleError: The hub has nothing under this id, or cannot be reached.
        MissingExtraError: Extra `hub` is not installed.
    """
    _check_installed()
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=list(LAYOUT.names)))
    except Exception as error:  # the hub client's errors have no root of their own
        raise BundleError(
            f"{hub_id}: no bundle; tried a folder (there is none) and the hub "
            f"({type(error).__name__}: {_first_line(error)})"
        ) from error


def upload(folder: Path, hub_id: str, *, private: bool = True) -> str:
    """The address to which the files of the bundle in `folder` were uploaded.

    Raises:
        BundleError: The hub refused, or cannot be reached.
        MissingExtraError: Extra `hub` is not installed.
    """
    _check_installed()
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        address = api.create_repo(hub_id, private=private, exist_ok=True)
        api.upload_folder(folder_path=folder, repo_id=hub_id, allow_patterns=list(LAYOUT.names))
    except Exception as error:  # the hub client's errors have no root of their own
        raise BundleError(
            f"{hub_id} was not uploaded ({type(error).__name__}: {_first_line(error)}); "
            "`hf auth login` says who you are"
        ) from error
    return str(address)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or "no further words").splitlines()[0]


def _check_installed() -> None:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingExtraError("bundles at the hub need one more package: pip install 'routoo[hub]'")
