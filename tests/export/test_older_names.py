from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import torch as tensors

from routoo.export.bundle import Bundle, write_files
from routoo.export.layout import LAYOUT
from routoo.export.manifest import sealed
from routoo.export.older_names import KEYS, WEIGHTS
from routoo.predictor import Predictor
from routoo.router import Router


def older_keys(values: dict[str, Any]) -> dict[str, Any]:  # Any: what JSON holds
    """The mapping as format 6 had it."""
    names = {newer: older for older, newer in KEYS.items()}
    return {
        names.get(key, key): older_keys(value) if isinstance(value, dict) else value
        for key, value in values.items()
    }


def older_weight(name: str) -> str:
    """The name that format 6 had for a weight."""
    for older, newer in WEIGHTS:
        if name.startswith(newer):
            return older + name.removeprefix(newer)
    return name


@pytest.fixture
def format_six(bundle: Bundle, tmp_path: Path) -> Path:
    """The folder of the bundle under the names that format 6 had."""
    weights = tensors.load(bundle.content(LAYOUT.weights))
    contents = {name: bundle.content(name) for name in bundle.files}
    contents[LAYOUT.weights] = tensors.save({older_weight(name): value for name, value in weights.items()})
    router = write_files(tmp_path / "six", bundle.description, contents).folder / LAYOUT.router
    document = {**older_keys(json.loads(router.read_text())), "format_version": 6}
    del document["sha256"]
    router.write_bytes(sealed(document))
    return router.parent


def test_older_names_are_read(bundle: Bundle, format_six: Path) -> None:
    assert '"encoder"' not in (format_six / LAYOUT.router).read_text()
    texts, folders = ["Why is the sky blue?", "2 + 2?"], (format_six, bundle.folder)
    for kind in (Predictor, Router):
        found, expected = (kind.from_pretrained(folder).predict(texts) for folder in folders)
        np.testing.assert_array_equal(found.p_correct, expected.p_correct)


def test_weights_of_likeness_itself_are_read(bundle: Bundle, tmp_path: Path) -> None:
    """As format 7 had them: in units of a length of its own, and without what is unlike all centres."""
    weights = tensors.load(bundle.content(LAYOUT.weights))
    root = weights.pop("evidence.kernel.root")
    weights.pop("evidence.unlike")
    for name in ("evidence.basis", "evidence.tokens", "evidence.latency"):
        weights[name][1 : 1 + len(root)] = root @ weights[name][1 : 1 + len(root)]
    for name in ("evidence.kernel.centres", "evidence.kernel.factor"):
        weights[name] *= 0.4**0.5
    contents = {name: bundle.content(name) for name in bundle.files}
    contents[LAYOUT.weights] = tensors.save(weights)
    folder = write_files(tmp_path / "seven", bundle.description, contents).folder
    texts = ["Why is the sky blue?", "2 + 2?"]
    found, expected = (Predictor.from_pretrained(each).predict(texts) for each in (folder, bundle.folder))
    np.testing.assert_allclose(found.p_correct, expected.p_correct, atol=1e-5)
    assert found.logit_std is not None
    assert expected.logit_std is not None
    assert (found.logit_std <= expected.logit_std + 1e-5).all()
