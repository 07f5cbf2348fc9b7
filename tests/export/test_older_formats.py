from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import torch as tensors

from routoo.data.errors import BundleError
from routoo.export.bundle import Bundle, write_files
from routoo.export.description import BundleDescription
from routoo.export.layout import LAYOUT
from routoo.export.manifest import sealed
from routoo.export.older_formats import KEYS, WEIGHTS
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


def written_in(
    version: int, folder: Path, description: BundleDescription, contents: dict[str, bytes]
) -> Bundle:
    """The bundle that these files make, said to be of a format of before."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("routoo.export.bundle.NEWEST_FORMAT", version)
        return write_files(folder, description, contents)


def older_bundle(bundle: Bundle, folder: Path, weights: dict[str, Any], version: int) -> Path:
    """The folder of the bundle with these weights, in a format of before."""
    contents = {name: bundle.content(name) for name in bundle.files} | {LAYOUT.weights: tensors.save(weights)}
    return written_in(version, folder, bundle.description, contents).folder


@pytest.fixture
def format_seven(bundle: Bundle) -> dict[str, Any]:
    """The weights as format 7 had them: of likeness itself, and in units of a length of its own."""
    weights = tensors.load(bundle.content(LAYOUT.weights))
    root = weights.pop("evidence.kernel.root")
    weights.pop("evidence.unlike")
    for name in ("evidence.basis", "evidence.tokens", "evidence.latency"):
        weights[name][1 : 1 + len(root)] = root @ weights[name][1 : 1 + len(root)]
    for name in ("evidence.kernel.centres", "evidence.kernel.factor"):
        weights[name] *= 0.4**0.5
    return weights


@pytest.fixture(params=[6, 7])
def older(
    request: pytest.FixtureRequest, bundle: Bundle, format_seven: dict[str, Any], tmp_path: Path
) -> Path:
    """The folder of the bundle as formats 6 and 7 had it."""
    if request.param == 7:
        return older_bundle(bundle, tmp_path / "seven", format_seven, 7)
    names = {older_weight(name): value for name, value in format_seven.items()}
    router = older_bundle(bundle, tmp_path / "six", names, 6) / LAYOUT.router
    document = older_keys(json.loads(router.read_text()))
    del document["sha256"]
    assert '"encoder"' not in json.dumps(document)
    router.write_bytes(sealed(document))
    return router.parent


def test_predictors_of_before_say_what_they_said(bundle: Bundle, older: Path) -> None:
    texts = ["Why is the sky blue?", "2 + 2?"]
    found, expected = (Predictor.from_pretrained(folder).predict(texts) for folder in (older, bundle.folder))
    for name in ("p_correct", "output_tokens", "cost_usd"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-4)
    assert found.logit_std is not None
    assert expected.logit_std is not None
    assert (found.logit_std < expected.logit_std).all()  # they knew nothing of prompts unlike all others


def test_routers_of_before_run_their_graphs(bundle: Bundle, older: Path) -> None:
    texts = ["Why is the sky blue?", "2 + 2?"]
    found, expected = (Router.from_pretrained(folder).predict(texts) for folder in (older, bundle.folder))
    np.testing.assert_array_equal(found.p_correct, expected.p_correct)


def test_weights_that_lack_a_part_are_no_older_ones(
    bundle: Bundle, format_seven: dict[str, Any], tmp_path: Path
) -> None:
    unlike = tensors.load(bundle.content(LAYOUT.weights))["evidence.unlike"]
    folder = older_bundle(bundle, tmp_path / "lacks", format_seven | {"evidence.unlike": unlike}, 8)
    with pytest.raises(BundleError, match="is not of the network"):
        Predictor.from_pretrained(folder)
