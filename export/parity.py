"""Whether the exported graphs say what the network says: checked when a bundle is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.errors import BundleError
from routoo.data.text import EncodedPrompts
from routoo.export.description import Json
from routoo.export.session import Graph, Ids, Outputs

Matrix = npt.NDArray[np.floating]
Observed = tuple[Ids | None, Ids | None]
"""Numbers of the domain and of the attributes of each prompt, where they are observed."""

CostOf = Callable[[Matrix, Matrix], Matrix]
"""Tokens sent ``(n_prompts, 1)`` and predicted output tokens ``(n_prompts, n_models)`` to costs in USD."""

WORTHS = (0.0, 0.02, 0.1, 0.5)
"""Prices at which choices are compared: score that a model must gain where it costs the mean spread more."""

MOST_CHANGED = 0.02
"""Share of choices beyond which a report warns of the int8 graph."""

_MADE_LENGTHS = (4, 32, 128)
_BATCHES = (4, 16)


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far a graph may be from the network before an export is refused.

    Args:
        fp32_max: Largest difference of any `p_correct` of the float32 graph.
        int8_mean: Mean difference of `p_correct` of the int8 graph.
        int8_max: Its largest difference.
        usage_max: Largest relative difference of output tokens and latency of the float32 graph.
        std_max: Largest difference of `logit_std` of the float32 graph.
    """

    fp32_max: float = 1e-4
    int8_mean: float = 0.02
    int8_max: float = 0.15
    usage_max: float = 1e-3
    std_max: float = 1e-3


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How near a graph is to the network, over prompts and models.

    Where the network knows domains or attributes every prompt counts twice: with these inferred, and with one
    of each observed; where it knows both, once more with the attributes observed and the domain inferred.

    Args:
        p_mean: Mean absolute difference of `p_correct`, prompts one at a time.
        p_max: Its maximum.
        padded_p_mean: Mean absolute difference when prompts of unlike length share a padded batch.
        padded_p_max: Its maximum.
        usage_max: Largest relative difference of output tokens and latency; None where neither is predicted.
        std_max: Largest difference of `logit_std`, in padded batches too; None where it is not known.
        choices_changed: Share of the prompts whose best model, by score less price times cost, is another;
            one a price of `WORTHS`.
        value_lost: What that costs a prompt on average, in score less price times cost by the network.
    """

    p_mean: float
    p_max: float
    padded_p_mean: float
    padded_p_max: float
    usage_max: float | None
    std_max: float | None
    choices_changed: Mapping[str, float]
    value_lost: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class ParityReport:
    """What was compared, and how near the graphs are to the network.

    Args:
        prompts: Prompts compared.
        lengths: Shortest and longest of them, in tokens read.
        fp32: The float32 graph.
        int8: The int8 graph, where there is one.
        tolerance: What would have been refused.
    """

    prompts: int
    lengths: tuple[int, int]
    fp32: Agreement
    int8: Agreement | None
    tolerance: Tolerance

    def to_dict(self) -> Json:
        """A mapping that JSON can hold."""
        return dataclasses.asdict(self)

    def faults(self) -> list[str]:
        """Each tolerance that is not met, in words."""
        limits = [
            ("float32 p_correct", max(self.fp32.p_max, self.fp32.padded_p_max), self.tolerance.fp32_max),
            ("float32 output tokens or latency", self.fp32.usage_max or 0.0, self.tolerance.usage_max),
            ("float32 logit_std", self.fp32.std_max or 0.0, self.tolerance.std_max),
        ]
        if self.int8 is not None:
            limits += [
                ("mean int8 p_correct", self.int8.p_mean, self.tolerance.int8_mean),
                ("int8 p_correct", self.int8.p_max, self.tolerance.int8_max),
            ]
        return [
            f"{what} is off by {off:.2g}, at most {most:.2g}" for what, off, most in limits if not off <= most
        ]

    def warnings(self) -> list[str]:
        """What is within the tolerance, and should be known all the same, in words."""
        if self.int8 is None:
            return []
        changed, lost = max(self.int8.choices_changed.values()), max(self.int8.value_lost.values())
        if changed <= MOST_CHANGED:
            return []
        return [
            f"the int8 graph chooses another model on {changed:.1%} of the prompts, more than "
            f"{MOST_CHANGED:.0%}; that loses up to {lost:.1e} of score less price times cost a prompt: "
            "`--no-int8` leaves it out"
        ]

    def check(self) -> None:
        """Refuses graphs beyond the tolerance.

        Raises:
            BundleError: A graph is further from the network than the tolerance allows.
        """
        if faults := self.faults():
            hint = (
                "" if any(fault.startswith("float32") for fault in faults) else "; int8=False leaves int8 out"
            )
            raise BundleError(
                f"not exported, since the graphs are not the network: {'; '.join(faults)}{hint}"
            )


def compare(
    network: Graph,
    fp32: Graph,
    int8: Graph | None,
    *,
    encoded: EncodedPrompts,
    cost_of: CostOf,
    n_domains: int = 0,
    attributes: Sequence[int] = (),
    max_tokens: int | None = None,
    tolerance: Tolerance | None = None,
) -> ParityReport:
    """How near the graphs are to the network on these prompts, alone and in padded batches.

    Where domains or attributes are known, all is done once more with one of each observed of each prompt;
    where both are, also with the attributes observed alone.

    Args:
        network: The network itself.
        fp32: The float32 graph.
        int8: The int8 graph, if there is one.
        encoded: Prompts like those that will be routed.
        cost_of: What predicted tokens cost, for the share of changed choices.
        n_domains: Domains that the network knows.
        attributes: Values of each attribute that it knows.
        max_tokens: Up to which lengths prompts are made up of these (`with_made_lengths`); None for no more.
            The float32 graph is the network on them too; that in int8 is judged on `encoded` alone, since
            rounding moves what no prompt is like by any amount.
        tolerance: Goes into the report; see `ParityReport.check`.
    """
    n_given = len(encoded)
    if max_tokens is not None:
        encoded = with_made_lengths(encoded, max_tokens=max_tokens)
    alone = [np.array([row]) for row in range(len(encoded))]
    order = np.argsort(np.arange(len(encoded)) * 7919 % len(encoded), kind="stable")  # unlike lengths meet
    padded = [order[start : start + size] for size in _BATCHES for start in range(0, len(encoded), size)]
    rows = np.concatenate(padded)
    cases = _observations(len(encoded), n_domains, attributes)
    truths = [_outputs(network, encoded, alone, observed) for observed in cases]
    truth, padded_truth = Outputs.join(truths), Outputs.join([each.rows(rows) for each in truths])

    everything = np.ones(len(encoded) * len(cases), np.bool_)
    sent = encoded.input_tokens[:, None]
    given = np.tile(np.arange(len(encoded)) < n_given, len(cases))

    def agreement(graph: Graph, judged: npt.NDArray[np.bool_]) -> Agreement:
        each = [_outputs(graph, encoded, alone, observed) for observed in cases]
        found = Outputs.join(each)
        padded_found = Outputs.join([_outputs(graph, encoded, padded, observed) for observed in cases])
        off = np.abs(found.p_correct - truth.p_correct)[judged]
        padded_off = np.abs(padded_found.p_correct - padded_truth.p_correct)
        choices = [
            _choices(*pair, lambda received: cost_of(sent, received))
            for pair in zip(truths, each, strict=True)
        ]
        changed, lost = (_means(shares) for shares in zip(*choices, strict=True))
        return Agreement(
            p_mean=float(off.mean()),
            p_max=float(off.max()),
            padded_p_mean=float(padded_off.mean()),
            padded_p_max=float(padded_off.max()),
            usage_max=_most(
                _most_off(truth.output_tokens, found.output_tokens, relative=True),
                _most_off(truth.latency_s, found.latency_s, relative=True),
            ),
            std_max=_most(
                _most_off(truth.logit_std, found.logit_std),
                _most_off(padded_truth.logit_std, padded_found.logit_std),
            ),
            choices_changed=changed,
            value_lost=lost,
        )

    return ParityReport(
        prompts=len(encoded),
        lengths=(int(encoded.lengths.min()), int(encoded.lengths.max())),
        fp32=agreement(fp32, everything),
        int8=None if int8 is None else agreement(int8, given),
        tolerance=tolerance or Tolerance(),
    )


def with_made_lengths(encoded: EncodedPrompts, *, max_tokens: int) -> EncodedPrompts:
    """The prompts, and pieces of them put together to a few more lengths up to `max_tokens`."""
    tokens = [token for ids in encoded.ids for token in ids]
    lengths = [length for length in (*_MADE_LENGTHS, max_tokens) if length <= max_tokens]
    made = [(tokens * (length // len(tokens) + 1))[:length] for length in lengths]
    return EncodedPrompts(
        [*encoded.ids, *made],
        np.append(encoded.input_tokens, np.array(lengths, np.float32)),
        np.append(encoded.cut, np.zeros(len(made), np.bool_)),
        encoded.pad_id,
    )


def _observations(n_prompts: int, n_domains: int, attributes: Sequence[int]) -> list[Observed]:
    """Nothing; domain and attributes, drawn apart, where there are any; attributes alone where both are."""
    draw = np.random.default_rng(0)

    def drawn(n_values: int) -> Ids:
        return draw.permutation(n_prompts) % n_values

    domain = drawn(n_domains) if n_domains else None
    attribute = np.stack([drawn(n_values) for n_values in attributes], axis=1) if attributes else None
    cases: list[Observed] = [(None, None)]
    if domain is not None or attribute is not None:
        cases.append((domain, attribute))
    if domain is not None and attribute is not None:
        cases.append((None, attribute))
    return cases


def _outputs(
    graph: Graph, encoded: EncodedPrompts, batches: list[npt.NDArray[np.intp]], observed: Observed
) -> Outputs:
    """The graph's outputs, batch after batch, with what is observed of each prompt."""
    return Outputs.join(
        [
            graph(*encoded.batch(rows), *(None if ids is None else ids[rows] for ids in observed))
            for rows in batches
        ]
    )


def _most_off(expected: Matrix, got: Matrix, *, relative: bool = False) -> float | None:
    """The largest difference; infinity where only one side knows a value, None where neither knows any."""
    if not np.array_equal(np.isnan(expected), np.isnan(got)):
        return float("inf")
    if np.isnan(expected).all():
        return None
    off = np.abs(got - expected)
    return float(np.nanmax(off / np.maximum(np.abs(expected), 1e-6) if relative else off))


def _most(*offs: float | None) -> float | None:
    return max((off for off in offs if off is not None), default=None)


def _means(shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean under each key."""
    return {key: float(np.mean([each[key] for each in shares])) for key in shares[0]}


def _choices(
    truth: Outputs, found: Outputs, cost_of: Callable[[Matrix], Matrix]
) -> tuple[dict[str, float], dict[str, float]]:
    """Share of choices that differ, and the value that is lost by it, at each price."""
    cost = cost_of(truth.output_tokens)
    spread = float((cost.max(1) - cost.min(1)).mean()) or 1.0
    rows = np.arange(len(cost))
    changed, lost = {}, {}
    for worth in WORTHS:
        value = truth.p_correct - worth / spread * cost
        best = value.argmax(1)
        chosen = (found.p_correct - worth / spread * cost_of(found.output_tokens)).argmax(1)
        changed[f"{worth:g}"] = float((best != chosen).mean())
        lost[f"{worth:g}"] = float((value[rows, best] - value[rows, chosen]).mean())
    return changed, lost
