import numpy as np
import polars as pl

from routoo.data.outcomes import Outcomes
from routoo.models.training.targets import shrunk_log_odds, targets_of


def some_outcomes() -> Outcomes:
    n = 44
    domain = ["a"] * 20 + ["b"] * 20 + ["rare"] * 2 + [None] * 2
    ids = [f"p{at:02d}" for at in range(n)]
    prompts = pl.DataFrame({"prompt_id": ids, "prompt": [f"prompt {i}" for i in ids], "domain": domain})
    score = [1.0] * 20 + [0.0] * 24
    rows = pl.DataFrame({"prompt_id": ids, "model": "m", "score": score, "output_tokens": [9] * n})
    return Outcomes(prompts, rows)


def test_rare_domains_are_learned_together_and_unknown_ones_not_at_all() -> None:
    targets = targets_of(some_outcomes(), ("m",), fitting=np.ones(44, bool))
    assert targets.domains[:2] == ("a", "b")
    assert len(targets.domains) == 3
    assert targets.domain[40] == 2
    assert targets.domain[43] == -1


def test_domains_outside_the_fitting_prompts_are_not_learned() -> None:
    fitting = np.arange(44) < 20
    assert targets_of(some_outcomes(), ("m",), fitting=fitting).domains == ()


def test_targets_are_logs_with_nan_where_nothing_was_recorded() -> None:
    targets = targets_of(some_outcomes(), ("m",), fitting=np.ones(44, bool))
    assert targets.log_latency is None
    assert targets.log_tokens is not None
    np.testing.assert_allclose(targets.log_tokens, np.log(9), rtol=1e-6)


def test_the_table_is_shrunk_towards_the_models_mean() -> None:
    table = 1 / (1 + np.exp(-shrunk_log_odds(targets_of(some_outcomes(), ("m",), fitting=np.ones(44, bool)))))
    overall = 20.5 / 45
    np.testing.assert_allclose(table[0, 0], (20 + 20 * overall) / 40, rtol=1e-4)
    np.testing.assert_allclose(table[1, 0], (0 + 20 * overall) / 40, rtol=1e-4)
