"""What is predicted for every prompt and model: the record that predictors make and solvers read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import name_list, number
from routoo.data.checks.score_checks import check_range, float32_matrix
from routoo.data.costs.nominal import NominalCosts, nominal_costs
from routoo.data.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from routoo.data.pool import Pool

Matrix = npt.NDArray[np.float32]

_MATRICES = ("p_correct", "cost_usd", "latency_s", "input_tokens", "output_tokens", "logit_std")


@dataclass(frozen=True, eq=False)
class Scores:
    """Predicted score, cost and latency of each model on each prompt.

    Args:
        p_correct: Predicted score in [0, 1], ``(n_prompts, n_models)`` float32.
        cost_usd: Predicted cost in USD, the same shape, finite and at least 0.
        latency_s: Predicted seconds to the last token, the same shape; NaN where nothing is known,
            infinity where a model must never be chosen under a latency limit.
        models: Model names, one a column.
        prompt_ids: Names of the prompts, one a row; row numbers when not given.
        output_tokens: Predicted output tokens, the same shape, where they are known.
        logit_std: Standard error of the log-odds of `p_correct`, the same shape, where it is known; see
            `interval`.
        input_tokens: Tokens that each model is sent, the same shape, where they are known.
        nominal_costs: Models whose costs are nominal, since their output tokens were never recorded, with
            what a call counts instead, in words; see `routoo.data.costs.nominal`.

    Raises:
        InputError: Shapes disagree, or a value is NaN or out of range.

    >>> scores = Scores(np.array([[0.9, 0.4]]), np.array([[0.02, 0.001]]), models=("large", "small"))
    >>> len(scores), scores.models
    (1, ('large', 'small'))
    """

    p_correct: Matrix
    cost_usd: Matrix
    latency_s: Matrix | None = None
    models: tuple[str, ...] = ()
    prompt_ids: Sequence[str] | None = None
    output_tokens: Matrix | None = None
    logit_std: Matrix | None = None
    input_tokens: Matrix | None = None
    nominal_costs: NominalCosts = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in _MATRICES:
            if (value := getattr(self, name)) is not None or name in ("p_correct", "cost_usd"):
                object.__setattr__(self, name, float32_matrix(name, value))
        shape = self.p_correct.shape
        if len(shape) != 2 or shape[1] == 0:
            raise InputError(f"p_correct must be (n_prompts, n_models) with a model at least, got {shape}")
        if self.latency_s is None:
            object.__setattr__(self, "latency_s", np.full(shape, np.nan, np.float32))
        for name in _MATRICES:
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise InputError(f"{name} has shape {value.shape}, p_correct has {shape}: they must agree")
        check_range("p_correct", self.p_correct, 0.0, 1.0)
        check_range("cost_usd", self.cost_usd, 0.0, float(np.finfo(np.float32).max))
        if self.logit_std is not None:
            check_range("logit_std", self.logit_std, 0.0, float(np.finfo(np.float32).max))
        for name in ("latency_s", "input_tokens", "output_tokens"):
            value = getattr(self, name)
            if value is not None and np.fmin.reduce(value, axis=None, initial=np.inf) < 0:
                raise InputError(f"{name} must be at least 0 (NaN where it is unknown), got a negative value")
        object.__setattr__(self, "models", name_list("models", self.models))
        if self.prompt_ids is not None:
            object.__setattr__(self, "prompt_ids", list(name_list("prompt_ids", self.prompt_ids)))
        if len(self.models) != shape[1] or len(set(self.models)) != shape[1]:
            raise InputError(f"{shape[1]} columns need as many different model names, got {self.models}")
        if self.prompt_ids is not None and len(self.prompt_ids) != shape[0]:
            raise InputError(f"{shape[0]} rows need as many prompt ids, got {len(self.prompt_ids)}")

    def __len__(self) -> int:
        return int(self.p_correct.shape[0])

    @property
    def latency(self) -> Matrix:
        """`latency_s`, which is always an array once the record is made."""
        assert self.latency_s is not None  # for the type checker: __post_init__ fills it
        return self.latency_s

    def rows(self, index: npt.NDArray[np.intp]) -> Scores:
        """The scores of these prompts, by row number or mask."""
        index = np.arange(len(self))[index]
        ids = None if self.prompt_ids is None else [self.prompt_ids[i] for i in index]
        return replace(self, **self._each(index), prompt_ids=ids)

    def columns(self, models: Sequence[str]) -> Scores:
        """The scores of these models, in this order.

        Raises:
            InputError: A name is not among `models`, or none is given.
        """
        wanted = name_list("models", models)
        unknown = [name for name in wanted if name not in self.models]
        if unknown or not wanted:
            raise InputError(f"unknown models {unknown or '(none given)'}; known: {', '.join(self.models)}")
        index = [self.models.index(name) for name in wanted]
        nominal = {name: words for name, words in self.nominal_costs.items() if name in wanted}
        columns = self._each((slice(None), index))
        return replace(self, **columns, models=wanted, nominal_costs=nominal)

    def _each(self, index: Any) -> dict[str, Any]:  # whatever numpy takes for an index
        """A part of every matrix that is known."""
        known = {name: getattr(self, name) for name in _MATRICES}
        return {name: value[index] for name, value in known.items() if value is not None}

    def interval(self, level: float = 0.9) -> tuple[Matrix, Matrix]:
        """Lower and upper end of an interval for each expected score, both ``(n_prompts, n_models)``.

        Symmetric in log-odds, by the normal law: what the training data leave open about the model's mean
        score on such prompts, not the luck of a single answer.

        Args:
            level: Share of intervals that are to hold the expected score.

        Raises:
            InputError: No `logit_std` is known, or the level does not lie between 0 and 1.

        >>> scores = Scores(np.array([[0.5]]), np.array([[0.01]]), models=("m",), logit_std=np.array([[0.5]]))
        >>> [round(float(end[0, 0]), 3) for end in scores.interval(0.9)]
        [0.305, 0.695]
        """
        level = number("level", level, most=1)
        if level in (0, 1):
            raise InputError(f"level must lie between 0 and 1, got {level}")
        errors = NormalDist().inv_cdf((1 + level) / 2)
        return self._shifted(-errors), self._shifted(errors)

    def cautious(self, confidence: float) -> Scores:
        """The scores with each `p_correct` lowered to what it exceeds with this confidence.

        To choose by them is to choose by lower confidence bound: of two models that promise alike, the one
        that is better known.

        Args:
            confidence: From 0.5, which changes nothing, to below 1.

        Raises:
            InputError: No `logit_std` is known, or the confidence is out of range.
        """
        confidence = number("confidence", confidence, most=1)
        if not 0.5 <= confidence < 1:
            raise InputError(f"confidence must be at least 0.5 and below 1, got {confidence}")
        return replace(self, p_correct=self._shifted(-NormalDist().inv_cdf(confidence)))

    def _shifted(self, errors: float) -> Matrix:
        """`p_correct` with its log-odds moved by so many standard errors."""
        if self.logit_std is None:
            raise InputError(
                "these scores say nothing of their uncertainty: the predictor that made them knows none"
            )
        p = self.p_correct.astype(np.float64).clip(1e-9, 1 - 1e-9)
        shifted = np.log(p) - np.log1p(-p) + errors * self.logit_std.astype(np.float64)
        return np.asarray(0.5 + 0.5 * np.tanh(shifted / 2), np.float32)

    def called(self, row: int) -> str:
        """What a message calls the prompt of this row.

        >>> one = np.array([[0.5]])
        >>> Scores(one, one, models=("m",)).called(0)
        'the prompt'
        >>> Scores(one, one, models=("m",), prompt_ids=["q7"]).called(0)
        "prompt 'q7'"
        """
        if self.prompt_ids is not None:
            return f"prompt {self.prompt_ids[row]!r}"
        return "the prompt" if len(self) == 1 else f"prompt {row}, counted from 0,"

    def names(self) -> list[str]:
        """Prompt ids, or row numbers as text."""
        return [str(i) for i in range(len(self))] if self.prompt_ids is None else list(self.prompt_ids)

    def to_polars(self) -> pl.DataFrame:
        """A tidy frame, one row a prompt and model; `nominal_cost` says where a cost is nominal, and why."""
        import polars as pl

        n, m = self.p_correct.shape
        columns: dict[str, object] = {
            "prompt_id": np.repeat(np.array(self.names(), dtype=object), m),
            "model": list(self.models) * n,
            "p_correct": self.p_correct.ravel(),
            "cost_usd": self.cost_usd.ravel(),
            "latency_s": self.latency.ravel(),
        }
        for name in ("input_tokens", "output_tokens", "logit_std"):
            value = getattr(self, name)
            if value is not None:
                columns[name] = value.ravel()
        if self.nominal_costs:
            columns["nominal_cost"] = [self.nominal_costs.get(name) for name in self.models] * n
        return pl.DataFrame(
            columns, schema_overrides={"prompt_id": pl.String, "model": pl.String}
        ).with_columns(pl.col("latency_s").fill_nan(None))


def joined(parts: Sequence[Scores]) -> Scores:
    """The scores of several parts of a batch, of the same models and with the same matrices, as one.

    >>> one = Scores(np.array([[0.5]]), np.array([[0.01]]), models=("m",))
    >>> len(joined([one, one]))
    2
    """
    known = [name for name in _MATRICES if getattr(parts[0], name) is not None]
    matrices: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in known
    }
    named = all(part.prompt_ids is not None for part in parts)
    ids = [name for part in parts for name in part.names()] if named else None
    return replace(parts[0], **matrices, prompt_ids=ids)


def priced_scores(
    pool: Pool,
    input_tokens: npt.NDArray[np.floating[Any]],
    *,
    p_correct: Matrix,
    logit_std: Matrix,
    output_tokens: Matrix,
    latency_s: Matrix,
    prompt_ids: Sequence[str] | None = None,
    unrecorded: Collection[str] = (),
) -> Scores:
    """What a network predicts, with the costs that the pool's prices make of it.

    Where no latency was learned, it follows from the speeds that the pool lists; that of a batch tier is its
    window. A model whose output tokens
    were never recorded is expected to use those that the pool states; else what the network says, which is
    what other models use; else `NOMINAL_OUTPUT_TOKENS`.

    Args:
        pool: The models of the columns.
        input_tokens: Tokens that each model is sent, ``(n_prompts, n_models)``.
        p_correct: Predicted scores, the same shape.
        logit_std: Standard errors of their log-odds, the same shape; NaN where nothing is known of them.
        output_tokens: Predicted tokens received, the same shape; NaN where none of any model were recorded.
        latency_s: Predicted seconds, the same shape; NaN where none were ever recorded.
        prompt_ids: Names of the prompts.
        unrecorded: Models whose output tokens were never recorded.
    """
    known = _stated_usage(pool, output_tokens, unrecorded)
    expected = np.where(np.isnan(known), pool.nominal_output_tokens, known)
    listed = pool.latency_s(known)
    unlearned = np.isnan(latency_s) | ~np.isnan(pool.rates("batch_window_s"))
    return Scores(
        p_correct=p_correct,
        cost_usd=pool.cost_usd(input_tokens, expected).astype(np.float32),
        latency_s=np.where(unlearned, listed, latency_s).astype(np.float32),
        models=pool.names,
        prompt_ids=prompt_ids,
        input_tokens=input_tokens.astype(np.float32),
        output_tokens=expected.astype(np.float32),
        nominal_costs=nominal_costs(pool, unrecorded, others=not np.isnan(output_tokens).all()),
        logit_std=None if np.isnan(logit_std).any() else logit_std,
    )


def repriced(scores: Scores, pool: Pool) -> Scores:
    """The scores with the costs that another pool's prices make of their tokens.

    A latency that is not known follows from the speeds that the pool lists.

    Args:
        scores: Predictions with `input_tokens`; a call whose output tokens are not known has a nominal cost.
            Output tokens that are no more than nominal give way to those that the pool states.
        pool: Prices of their models, others left aside.

    Raises:
        InputError: The pool lacks a model, or `input_tokens` are not known.
    """
    pool, sent, received = pool.select(scores.models), scores.input_tokens, scores.output_tokens
    if sent is None or np.isnan(sent).any():
        raise InputError("other prices need every input_tokens to be known: predict again, or leave them out")
    if received is None:
        received = np.full(sent.shape, np.nan, np.float32)
    unknown = [name for name, of in zip(pool.names, received.T, strict=True) if np.isnan(of).any()]
    unrecorded = {*scores.nominal_costs, *unknown}
    received = _stated_usage(pool, received, unrecorded)
    nominal = nominal_costs(pool, unrecorded, others=False)
    as_before = {name: words for name, words in scores.nominal_costs.items() if name in nominal}
    stated = {name: words for name, words in nominal.items() if pool[name].output_tokens is not None}
    return replace(
        scores,
        cost_usd=pool.cost_usd(sent, received).astype(np.float32),
        latency_s=np.where(np.isnan(scores.latency), pool.latency_s(received), scores.latency),
        output_tokens=np.where(np.isnan(received), pool.nominal_output_tokens, received),
        nominal_costs={**nominal, **as_before, **stated},
    )


def _stated_usage(
    pool: Pool, output_tokens: npt.NDArray[np.floating[Any]], unrecorded: Collection[str]
) -> npt.NDArray[np.floating[Any]]:
    """Output tokens with what the pool states of models whose own were never recorded."""
    stated, own = pool.rates("output_tokens"), [name not in unrecorded for name in pool.names]
    return np.where(own | np.isnan(stated), output_tokens, stated)
