from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from routoo.data.errors import BundleError, MissingExtraError
from routoo.export.bundle import Bundle
from routoo.export.layout import LAYOUT

huggingface_hub = pytest.importorskip("huggingface_hub")


def test_an_id_is_looked_up_at_the_hub(hollow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def snapshot_download(repo_id: str, **options: Any) -> str:
        asked.update(options, repo_id=repo_id)
        return str(hollow)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert Bundle.open("team/router", revision="v2").folder == hollow
    assert asked == {"repo_id": "team/router", "revision": "v2", "allow_patterns": list(LAYOUT.names)}


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def snapshot_download(repo_id: str, **_: Any) -> str:
        raise huggingface_hub.errors.OfflineModeIsEnabled("no network\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(
        BundleError, match=r"tried a folder .* and the hub \(OfflineModeIsEnabled: no network\)"
    ):
        Bundle.open("team/router")


def test_uploading(hollow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []

    class Api:
        def create_repo(self, repo_id: str, **options: Any) -> str:
            calls.append((repo_id, options))
            return f"https://hub.example/{repo_id}"

        def upload_folder(self, **options: Any) -> None:
            calls.append(("upload", options))
            assert Bundle.read(options.pop("folder_path")).has_graph

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    assert Bundle.read(hollow).push_to_hub("team/router") == "https://hub.example/team/router"
    assert calls == [
        ("team/router", {"private": True, "exist_ok": True}),
        ("upload", {"repo_id": "team/router", "allow_patterns": list(LAYOUT.names)}),
    ]


def test_an_upload_that_is_refused(hollow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Api:
        def create_repo(self, repo_id: str, **_: Any) -> str:
            raise PermissionError("not yours")

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    with pytest.raises(BundleError, match=r"team/router was not uploaded \(PermissionError: not yours\)"):
        Bundle.read(hollow).push_to_hub("team/router")


def test_without_the_extra(hollow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'routoo\[hub\]'"):
        Bundle.open("team/router")
    with pytest.raises(MissingExtraError, match=r"pip install 'routoo\[hub\]'"):
        Bundle.read(hollow).push_to_hub("team/router")
