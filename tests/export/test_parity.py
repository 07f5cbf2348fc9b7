from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from routoo.data.errors import BundleError
from routoo.data.text import EncodedPrompts
from routoo.export.parity import Agreement, Matrix, ParityReport, Tolerance, compare, with_made_lengths
from routoo.export.session import Graph, Ids, Outputs

NAN = float("nan")


def encoded_of(*lengths: int) -> EncodedPrompts:
    """Prompts of these many tokens."""
    ids = [list(range(1, length + 1)) for length in lengths]
    return EncodedPrompts(ids, np.array(lengths, np.float32), np.zeros(len(ids), np.bool_), 0)


def graph(
    *,
    shift: float = 0.0,
    padding: float = 0.0,
    tokens: float = 100.0,
    std: float = 0.1,
    told: float = 0.0,
) -> Graph:
    """Two models: the first is better on long prompts, by the mean of the ids; `shift` favours it."""

    def run(ids: Ids, mask: Ids, domain: Ids | None = None, attributes: Ids | None = None) -> Outputs:
        first = 0.4 + 0.01 * (ids * mask).sum(1) / mask.sum(1) + shift + padding * (mask == 0).any(1)
        if domain is not None:
            first = first + told * domain
        if attributes is not None:
            first = first + told * attributes.sum(1)
        p = np.stack([first, np.full(len(ids), 0.5)], 1).astype(np.float32)
        return Outputs(p, np.full_like(p, std), np.full_like(p, tokens), np.full_like(p, NAN))

    return run


def cost_of(sent: Matrix, tokens: Matrix) -> Matrix:
    """The first model costs three times the second."""
    return np.asarray(tokens * np.array([3e-6, 1e-6]))


def test_the_same_graph_agrees() -> None:
    report = compare(graph(), graph(), None, encoded=encoded_of(4, 9, 30), cost_of=cost_of)
    assert (report.prompts, report.lengths) == (3, (4, 30))
    assert report.fp32.p_max == report.fp32.padded_p_max == 0
    assert set(report.fp32.choices_changed.values()) == {0.0}
    assert report.int8 is None
    report.check()


def test_a_small_shift_changes_the_choices_near_the_line() -> None:
    # the first model's p is .4 + .005 (length + 1): lengths 18, 19, 20 give .495, .500, .505 against .5
    lengths = (10, 18, 30, 40)
    report = compare(graph(), graph(), graph(shift=0.01), encoded=encoded_of(*lengths), cost_of=cost_of)
    assert report.int8 is not None
    assert report.int8.p_max == pytest.approx(0.01, abs=1e-6)
    assert report.int8.p_mean == pytest.approx(0.005, abs=1e-6)
    assert report.int8.choices_changed["0"] == pytest.approx(1 / 4)
    assert report.int8.value_lost["0"] == pytest.approx(0.005 / 4, abs=1e-6)
    assert report.int8.choices_changed["0.5"] == 0
    report.check()


def test_a_graph_that_sees_the_padding_is_refused() -> None:
    report = compare(graph(), graph(padding=0.01), None, encoded=encoded_of(4, 9, 30), cost_of=cost_of)
    assert report.fp32.p_max == 0
    assert report.fp32.padded_p_max == pytest.approx(0.01, abs=1e-6)
    with pytest.raises(BundleError, match=r"float32 p_correct is off by 0.01, at most 0.0001$"):
        report.check()


@pytest.mark.parametrize(
    ("fp32", "int8", "words"),
    [
        (graph(shift=2e-4), None, "float32 p_correct is off by 0.0002"),
        (graph(tokens=101), None, "float32 output tokens or latency is off by 0.01"),
        (graph(std=0.11), None, "float32 logit_std is off by 0.01, at most 0.001"),
        (graph(std=NAN), None, "float32 logit_std is off by inf"),
        (graph(tokens=NAN), None, "float32 output tokens or latency is off by inf"),
        (graph(shift=NAN), None, "float32 p_correct is off by nan"),
        (graph(), graph(shift=0.07), "mean int8 p_correct is off by 0.035, at most 0.02; int8=False leaves"),
        (graph(), graph(shift=NAN), "int8 p_correct is off by nan"),
    ],
)
def test_what_is_beyond_the_tolerance_is_refused(fp32: Graph, int8: Graph | None, words: str) -> None:
    report = compare(graph(), fp32, int8, encoded=encoded_of(4, 9), cost_of=cost_of)
    with pytest.raises(BundleError, match=words):
        report.check()


@pytest.mark.parametrize(("n_domains", "attributes"), [(3, ()), (0, (3,)), (2, (1, 2)), (0, (2, 2))])
def test_a_graph_that_is_off_where_something_is_told_is_refused(
    n_domains: int, attributes: tuple[int, ...]
) -> None:
    off, encoded = graph(told=0.01), encoded_of(*range(4, 16))
    compare(graph(), off, None, encoded=encoded, cost_of=cost_of).check()
    report = compare(
        graph(), off, None, encoded=encoded, cost_of=cost_of, n_domains=n_domains, attributes=attributes
    )
    assert report.prompts == 12
    assert report.fp32.p_max == report.fp32.padded_p_max == pytest.approx(0.02, abs=1e-6)
    with pytest.raises(BundleError, match=r"float32 p_correct is off by 0.02"):
        report.check()


def test_what_is_told_is_drawn_apart_and_attributes_are_told_alone_too() -> None:
    seen: set[tuple[int | None, tuple[int, ...] | None]] = set()

    def seeing(ids: Ids, mask: Ids, domain: Ids | None = None, attributes: Ids | None = None) -> Outputs:
        for row in range(len(ids)):
            seen.add(
                (
                    None if domain is None else int(domain[row]),
                    None if attributes is None else tuple(attributes[row].tolist()),
                )
            )
        return graph()(ids, mask)

    encoded = encoded_of(*range(4, 68))
    compare(graph(), seeing, None, encoded=encoded, cost_of=cost_of, n_domains=2, attributes=(2, 2))
    values = [(a, b) for a in (0, 1) for b in (0, 1)]
    assert seen == {(None, None), *((domain, pair) for domain in (None, 0, 1) for pair in values)}


def test_many_changed_choices_of_int8_are_warned_of() -> None:
    lengths = (10, 18, 30, 40)  # of which the second is at the line
    found = [
        compare(graph(), graph(), int8, encoded=encoded_of(*lengths), cost_of=cost_of).warnings()
        for int8 in (None, graph(shift=0.001), graph(shift=0.01))
    ]
    assert found[:2] == [[], []]
    assert "the int8 graph chooses another model on 25.0% of the prompts, more than 2%" in found[2][0]


def test_the_tolerance_can_be_set() -> None:
    report = compare(
        graph(),
        graph(),
        graph(shift=0.07),
        encoded=encoded_of(4),
        cost_of=cost_of,
        tolerance=Tolerance(int8_mean=0.1),
    )
    report.check()
    assert report.to_dict()["tolerance"]["int8_mean"] == 0.1


def test_prompts_of_more_lengths_are_made() -> None:
    made = with_made_lengths(encoded_of(3, 5), max_tokens=64)
    assert made.lengths.tolist() == [3, 5, 4, 32, 64]
    assert with_made_lengths(encoded_of(3), max_tokens=16).lengths.tolist() == [3, 4, 16]


def test_a_report_is_plain() -> None:
    report = compare(graph(), graph(), graph(), encoded=encoded_of(4), cost_of=cost_of)
    assert isinstance(report, ParityReport)
    assert isinstance(report.int8, Agreement)
    assert report.to_dict()["int8"] == dataclasses.asdict(report.int8)


def off_at(length: int) -> Graph:
    """The graph, but for what it says of prompts of this many tokens."""

    def run(ids: Ids, mask: Ids, domain: Ids | None = None, attributes: Ids | None = None) -> Outputs:
        found = graph()(ids, mask, domain, attributes)
        found.p_correct[mask.sum(1) == length] += 0.2
        return found

    return run


def test_int8_is_judged_on_prompts_that_may_come_alone() -> None:
    encoded = encoded_of(3, 5)
    compare(graph(), graph(), off_at(64), encoded=encoded, cost_of=cost_of, max_tokens=64).check()
    with pytest.raises(BundleError, match=r"int8 p_correct is off by 0\.2"):
        compare(graph(), graph(), off_at(5), encoded=encoded, cost_of=cost_of, max_tokens=64).check()
    with pytest.raises(BundleError, match=r"float32 p_correct is off by 0\.2"):
        compare(graph(), off_at(64), None, encoded=encoded, cost_of=cost_of, max_tokens=64).check()
