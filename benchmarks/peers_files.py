"""LLMRouter's environment and files: what `peers.py` hands to `peers_driver.py`, and what comes back."""

from __future__ import annotations

import json
import os
import subprocess
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from routoo.data.outcomes import Outcomes

RELEASE = "0.4.0"
_DRIVER = Path(__file__).with_name("peers_driver.py")
_VERSION = "from importlib.metadata import version; print(version('llmrouter-lib'))"


@dataclass(frozen=True)
class Peer:
    """What a router of LLMRouter did, or why it did not.

    Args:
        name: The router.
        train_s: Seconds from its files to the saved router.
        route_s: Seconds a prompt from its embedding to the name of a model.
        chosen: The model it names for each test prompt.
        pair: The two models, cheap one first, of a router that chooses between two by a score.
        scores: That score of each prompt; the cheap model is named where it is high.
        error: Why the router did not run, in its own words.
    """

    name: str
    train_s: float = 0.0
    route_s: float = 0.0
    chosen: Sequence[str] = ()
    pair: Sequence[str] = ()
    scores: Sequence[float] = ()
    error: str = ""


def make_environment(folder: Path) -> Path:
    """The Python of an environment with LLMRouter and this environment's torch, installed where it is not."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if python.exists():
        found = subprocess.run([python, "-c", _VERSION], capture_output=True, text=True, check=False)
        if found.stdout.strip() == RELEASE:
            return python
    venv.create(folder, with_pip=True)
    same_torch = f"torch=={metadata.version('torch').split('+')[0]}"
    command = [str(python), "-m", "pip", "install", "--quiet", f"llmrouter-lib=={RELEASE}", same_torch]
    subprocess.run(command, check=True)
    return python


def write_files(
    folder: Path,
    outcomes: Outcomes,
    models: Sequence[str],
    sizes: Sequence[str],
    embeddings: npt.NDArray[np.float32],
) -> None:
    """Writes outcomes as LLMRouter reads them.

    Args:
        folder: Where to.
        outcomes: With a split; prompts in train and val are both for training.
        models: Of those that score best on a prompt LLMRouter takes the first one.
        sizes: The same models from the smallest to the largest.
        embeddings: Of all prompts, ``(n_prompts, width)``.
    """
    torch.save(
        {at: row.clone() for at, row in enumerate(torch.from_numpy(embeddings))}, folder / "embeddings.pt"
    )
    described = {name: {"model": name, "size": f"{at + 1}B"} for at, name in enumerate(sizes)}
    (folder / "models.json").write_text(json.dumps(described))
    score = outcomes.to_matrices(models).score
    parts = outcomes.prompts["split"].to_list()
    train, test, queries = [], [], []
    for at, (text, part) in enumerate(zip(outcomes.texts, parts, strict=True)):
        query = {"query": text, "embedding_id": at, "task_name": None, "ground_truth": None, "metric": None}
        rows = [
            query | {"model_name": name, "performance": float(score[at, j])}
            for j, name in enumerate(models)
            if not np.isnan(score[at, j])
        ]
        if part == "test":
            test += rows
            queries.append({"query": text, "embedding_id": at})
        else:
            train += rows
    for name, lines in (("train", train), ("test", test), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def run_peer(python: Path, folder: Path, name: str, *, seed: int, threads: int, limit_s: float) -> Peer:
    """Trains a router in its environment and returns its choices, or its error."""
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else each import waits for a download
    }
    environment.pop("PYTHONPATH", None)
    command = [str(python), str(_DRIVER), str(folder), name, str(seed)]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Peer(name, error=f"stopped after {limit_s:.0f} s")
    answer = folder / f"{name}.json"
    if not answer.exists():
        return Peer(name, error=f"ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    found: dict[str, Any] = json.loads(answer.read_text())  # Any: as JSON has it
    return Peer(name, **found)
