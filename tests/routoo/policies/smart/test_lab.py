"""Batches of the lab's record: what really differs from a reference that is asked everything."""

from __future__ import annotations

import polars as pl

import routoo as package
from routoo.data.outcomes import Outcomes
from routoo.data.request import Request
from routoo.lab.members import lab_pool
from routoo.lab.shipped import lab_outcomes
from routoo.models.signals.agreement import member_agreement

REFERENCE, SEEDS, DELTA = "qwen-1.5b", 6, 0.1


def test_no_more_differs_than_promised() -> None:
    """Of families whose answers are labels; `benchmarks/smart_recorded.py` has more seeds, and the others."""
    whole = lab_outcomes()
    labels = whole.prompts.filter(pl.col("domain").is_in(["tone", "topic"]))
    data = Outcomes(labels, whole.outcomes.join(labels, on="prompt_id", how="semi"), "labels")
    members = package.members_of(lab_pool(), names=[REFERENCE, "qwen-0.5b", "smol-texts"], answers=data)
    requests = [Request(name, text) for name, text in zip(data.prompt_ids, data.texts, strict=True)]
    said = dict(
        data.outcomes.filter(pl.col("model") == REFERENCE).select("prompt_id", "response").iter_rows()
    )
    saved = []
    for seed in range(SEEDS):
        found = package.smart(requests, members, reference=REFERENCE, delta=DELTA, seed=seed)
        same = [member_agreement(answer.answer or "", said[answer.prompt_id]) for answer in found.answers]
        assert len(same) - sum(same) <= found.certificate.allowed
        saved.append(found.certificate.saved)
    assert sum(saved) / SEEDS > 0.2
