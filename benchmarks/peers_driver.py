"""Trains a router of LLMRouter and asks for its choices; `peers.py` runs this in an environment of its own.

    python peers_driver.py FOLDER NAME SEED

FOLDER is what `peers_files.py` wrote. The answer is one line of JSON in FOLDER/NAME.json: seconds, and the
name of a model for each test prompt, or the error that came instead.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

_NO_MODEL = {"response": "", "prompt_tokens": 0, "completion_tokens": 0}


@dataclass(frozen=True)
class Recipe:
    """A router by the names of its package and classes, with its settings.

    Args:
        package: Within ``llmrouter.models``.
        router: The class that routes.
        trainer: The class that trains it.
        hparam: Section of that name in its configuration.
        more: Further keys of the configuration; mappings are merged with what every router gets.
        by_prompt: Whether it chooses by the prompt alone, so that the call to its choice can be left out.
    """

    package: str
    router: str
    trainer: str
    hparam: Mapping[str, Any] = field(default_factory=dict)  # Any: values of YAML, as in all of this file
    more: Mapping[str, Any] = field(default_factory=dict)
    by_prompt: bool = True


# The values of LLMRouter's own documentation and configurations.
RECIPES = {
    "kNN": Recipe(
        "knnrouter",
        "KNNRouter",
        "KNNRouterTrainer",
        {"n_neighbors": 5, "weights": "uniform", "algorithm": "auto", "p": 2, "metric": "minkowski"},
    ),
    "SVM": Recipe(
        "svmrouter",
        "SVMRouter",
        "SVMRouterTrainer",
        {"kernel": "rbf", "C": 1.0, "gamma": "scale", "probability": True},
    ),
    "MLP": Recipe(
        "mlprouter",
        "MLPRouter",
        "MLPTrainer",
        {
            "hidden_layer_sizes": [128, 64],
            "activation": "relu",
            "lr": 0.001,
            "epochs": 100,
            "batch_size": 32,
            "alpha": 0.0001,
        },
    ),
    "matrix factorisation": Recipe(
        "mfrouter",
        "MFRouter",
        "MFRouterTrainer",
        {"latent_dim": 128, "text_dim": 768, "lr": 0.001, "epochs": 5, "noise_alpha": 0.0},
    ),
    "graph": Recipe(
        "graphrouter",
        "GraphRouter",
        "GraphTrainer",
        {
            "hidden_dim": 64,
            "learning_rate": 0.001,
            "weight_decay": 0.0001,
            "train_epoch": 100,
            "batch_size": 4,
            "train_mask_rate": 0.3,
            "val_split_ratio": 0.2,
        },
    ),
    "hybrid": Recipe(
        "hybrid_llm",
        "HybridLLMRouter",
        "HybridLLMTrainer",
        {"hidden_layer_sizes": [128, 64], "activation": "relu", "solver": "adam", "max_iter": 300},
        {"router_mode": "probabilistic", "router_tau": 0.1, "router_threshold": 0.5},
    ),
    "Elo": Recipe("elorouter", "EloRouter", "EloRouterTrainer"),
    "RouterDC": Recipe(
        "routerdc",
        "DCRouter",
        "DCTrainer",
        {"hidden_state_dim": 768, "similarity_function": "cos", "n_clusters": 3, "device": "cpu"},
        {"model_path": {"backbone_model": "microsoft/mdeberta-v3-base"}},
    ),
    "causal LM": Recipe(
        "causallm_router", "CausalLMRouter", "CausalLMTrainer", {"base_model": "meta-llama/Llama-2-7b-hf"}
    ),
    "AutoMix": Recipe(
        "automix",
        "AutomixRouter",
        "AutomixRouterTrainer",
        {"routing_method": "POMDP", "num_bins": 8},
        by_prompt=False,
    ),
    "kNN, multi-round": Recipe(
        "knnmultiroundrouter",
        "KNNMultiRoundRouter",
        "KNNMultiRoundRouterTrainer",
        {"n_neighbors": 5, "weights": "uniform", "algorithm": "auto", "p": 2, "metric": "minkowski"},
        by_prompt=False,
    ),
    "GMT": Recipe("gmtrouter", "GMTRouter", "GMTRouterTrainer"),
    "personalised": Recipe("personalizedrouter", "PersonalizedRouter", "PersonalizedRouterTrainer"),
    "time series": Recipe("tsrouter", "TSRouter", "TSRouterTrainer"),
}


def configuration(folder: Path, name: str, width: int) -> Path:
    """The file that a router is configured by; `width` is that of the embeddings."""
    recipe = RECIPES[name]
    data = {
        "routing_data_train": folder / "train.jsonl",
        "routing_data_test": folder / "test.jsonl",
        "query_data_test": folder / "queries.jsonl",
        "query_embedding_data": folder / "embeddings.pt",
        "llm_data": folder / "models.json",
    }
    saved = str(folder / "saved" / recipe.package / "model.pkl")
    hparam = {**recipe.hparam, "text_dim": width} if "text_dim" in recipe.hparam else dict(recipe.hparam)
    paths = {"ini_model_path": "", "save_model_path": saved, "load_model_path": saved}
    settings = {
        **recipe.more,
        "data_path": {key: str(path) for key, path in data.items()},
        "model_path": {**paths, **recipe.more.get("model_path", {})},
        "metric": {"weights": {"performance": 1, "cost": 0, "llm_judge": 0}},
        "hparam": hparam,
        "api_endpoint": "http://localhost:1",
    }
    path = folder / f"{recipe.package}.yaml"
    path.write_text(json.dumps(settings))  # JSON is YAML
    return path


def run(folder: Path, name: str) -> dict[str, Any]:
    """Trains the router and routes every test prompt; the embedding of a prompt is looked up."""
    recipe = RECIPES[name]
    embeddings: dict[int, torch.Tensor] = torch.load(folder / "embeddings.pt")
    queries = [json.loads(line) for line in (folder / "queries.jsonl").read_text().splitlines()]
    of_text = {query["query"]: embeddings[query["embedding_id"]] for query in queries}
    path = configuration(folder, name, len(embeddings[0]))
    package = importlib.import_module(f"llmrouter.models.{recipe.package}")
    module: Any = importlib.import_module(f"llmrouter.models.{recipe.package}.router")
    module.get_longformer_embedding = of_text.__getitem__
    if recipe.by_prompt:
        module.call_api = lambda *_, **__: dict(_NO_MODEL)
    started = time.perf_counter()
    router = getattr(package, recipe.router)(str(path))
    getattr(package, recipe.trainer)(router=router, device="cpu").train()
    trained = time.perf_counter()
    routed = router.route_batch(batch=queries)
    done = time.perf_counter()
    return {
        "train_s": trained - started,
        "route_s": (done - trained) / len(queries),
        "chosen": [row["model_name"] for row in routed],
        **_cascade(router, routed),
    }


def _cascade(router: Any, routed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The two models of a router that chooses between two by a score, cheap one first, and its scores."""
    if "router_score" not in routed[0]:
        return {}
    pair = [router.small_model_name, router.large_model_name]
    return {"pair": pair, "scores": [row["router_score"] for row in routed]}


def main() -> None:
    """Runs one router from the command line."""
    folder, name, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002, since LLMRouter draws from it
    torch.manual_seed(seed)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        try:
            found = run(folder, name)
        except Exception as error:  # whatever another's code raises is a row of the table
            found = {"error": " ".join(f"{type(error).__name__}: {error}".split())}
    (folder / f"{name}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
