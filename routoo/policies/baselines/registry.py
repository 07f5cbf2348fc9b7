"""Every learned way of choosing between two models, by name."""

from __future__ import annotations

from routoo.policies.baselines.baseline import Baseline
from routoo.policies.baselines.hybrid import HybridRouter
from routoo.policies.baselines.meta_model import MetaModel
from routoo.policies.baselines.scorer import AnswerScorer

BASELINES: dict[str, type[Baseline]] = {
    "FORC": MetaModel,
    "HybridLLM": HybridRouter,
    "FrugalGPT": AnswerScorer,
}
