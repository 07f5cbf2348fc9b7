"""Signals against numbers worked out by hand, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any

import pytest

from routoo.data.errors import InputError
from routoo.models.signals.agreement import member_agreement, sample_agreement
from routoo.models.signals.generation import Generation
from routoo.models.signals.margin import (
    open_margin_log_odds,
    option_margin_log_odds,
    option_margin_probability,
)
from routoo.models.signals.normalisation import normalised
from routoo.models.signals.refusal import refusal
from routoo.models.signals.registry import SIGNALS, read_signal, read_signals
from routoo.models.signals.sequence import sequence_log_prob_mean, sequence_log_prob_sum

NAN, INF = float("nan"), float("inf")


def odd(value: object) -> Any:
    """What a caller without a type checker may give."""
    return value


def test_margins_of_options_by_hand() -> None:
    """0.4, 0.1 and 0.3 of all tokens are 1/2, 1/8 and 3/8 of the options."""
    found = [log(0.4), log(0.1), log(0.3)]
    assert option_margin_log_odds(found) == pytest.approx(log(4 / 3))
    assert option_margin_probability(found) == pytest.approx(1 / 8)


def test_the_two_margins_can_rank_otherwise() -> None:
    sure_of_little, torn = [log(p) for p in (0.2, 0.05, *[0.05] * 15)], [log(0.6), log(0.4)]
    assert option_margin_log_odds(sure_of_little) > option_margin_log_odds(torn)
    assert option_margin_probability(sure_of_little) < option_margin_probability(torn)


def test_equal_options_have_no_margin_and_unlikely_ones_do_not_underflow() -> None:
    assert option_margin_log_odds([-2.0, -2.0]) == option_margin_probability([-2.0, -2.0]) == 0
    assert option_margin_probability([-1000.0, -1000.0 + log(3)]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("tokens", "probabilities", "margin"),
    [
        ([" Paris", "paris", "Par", "Lyon"], (0.4, 0.2, 0.2, 0.1), log(4)),
        (["Lyon", "Par", "paris", " Paris"], (0.1, 0.2, 0.2, 0.4), log(4)),  # in any order
        (["Par", "Paris", "Rome"], (0.5, 0.3, 0.1), log(5)),  # the likeliest is contained in the next
        (["Rome", "Paris"], (0.5, 0.25), log(2)),
        (["Paris", "\n", "Rome"], (0.5, 0.3, 0.1), log(5)),  # nothing is contained in all
        (["Paris", "paris", "PARIS"], (0.5, 0.3, 0.1), log(5)),  # none differs: at least that
        (["The", "Rome", "then"], (0.5, 0.25, 0.1), log(2)),  # an article alone is a word
    ],
)
def test_the_open_margin_passes_over_near_duplicates(
    tokens: list[str], probabilities: tuple[float, ...], margin: float
) -> None:
    assert open_margin_log_odds(tokens, [log(p) for p in probabilities]) == pytest.approx(margin)


def test_sequence_log_probability_by_hand() -> None:
    assert sequence_log_prob_sum([log(0.5), log(0.5), log(0.25)]) == pytest.approx(log(1 / 16))
    assert sequence_log_prob_mean([log(0.5), log(0.25)]) == pytest.approx(-1.5 * log(2))
    assert sequence_log_prob_sum([1e-7]) == 0  # rounding of single precision


@pytest.mark.parametrize(
    ("samples", "share"),
    [
        (["4", " 4.", "5", "6"], 0.5),
        (["The sea", "sea!", "a sea"], 1.0),
        (["3.5", "35"], 0.5),
        (["-5", "5"], 0.5),
        (["\u22125", "-5"], 1.0),
        (["1,000", "1000"], 1.0),
        (["A", "the", "B", "a)"], 0.5),
        (["", "", "x"], 1 / 3),
        (["", " ."], 0.0),
    ],
)
def test_agreement_of_samples(samples: list[str], share: float) -> None:
    assert sample_agreement(samples) == pytest.approx(share)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("$1,000,000", "$1000000"),
        ("1,2,3", "1,2,3"),
        ("1/2", "1/2"),
        ("12,34", "12,34"),
        ("-.5", "-.5"),
        ("x-5", "x5"),
        ("Straße", "strasse"),
        ("an apple a day", "apple day"),
        ("«Oui»", "oui"),
        ("(-7)", "-7"),
    ],
)
def test_the_normalised_form(text: str, form: str) -> None:
    assert normalised(text) == form
    assert normalised(form) == form


def test_agreement_with_another_member() -> None:
    assert member_agreement("The Seine.", "seine") == 1
    assert member_agreement("Seine", "Rhine") == 0
    assert member_agreement("", "") == 0


@pytest.mark.parametrize(
    "text",
    [
        "I can't help with that.",
        "I\u2019m sorry, but I cannot assist with this request.",
        "Sorry, I am unable to provide that.",
        "As an AI language model, I cannot answer questions about the future.",
        "I'm sorry. Unfortunately, I won't discuss this.",
        "I must decline.",
        "I'm sorry, but I can't.",
        "Es tut mir leid, aber ich kann Ihnen dabei nicht helfen.",
        "Leider kann ich diese Frage nicht beantworten.",
        "Désolé, mais je ne peux pas vous aider.",
        "Lo siento, pero no puedo ayudarte con eso.",
    ],
)
def test_a_refusal(text: str) -> None:
    assert refusal(text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "I can't believe it. The answer is 4.",
        "I'm sorry to hear that. Try a restart.",
        "I'm not sure, but 4.",
        '"I can\'t help with that" is what a shop says.',
        "The answer is 4. I can't help with more.",
        "Unfortunately, the train was late.",
        "Ich kann nicht ausschließen, dass 4 stimmt.",
        "No, because water can't burn.",
        "",
    ],
)
def test_no_refusal(text: str) -> None:
    assert refusal(text) == 0
    assert refusal(text, "stop") == 0
    assert refusal(text, "content_filter") == 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: option_margin_log_odds([-1.0]), "at least 2"),
        (lambda: option_margin_probability([]), "at least 2"),
        (lambda: option_margin_log_odds([-1.0, NAN]), r"option_log_probs\[1\] is nan"),
        (lambda: option_margin_log_odds([-1.0, -INF]), "leave it out"),
        (lambda: option_margin_log_odds([-1.0, 0.6]), "0.6, but the logarithm"),
        (lambda: option_margin_log_odds(odd("ab")), "one text"),
        (lambda: option_margin_log_odds(odd([[-1.0, -2.0]])), "one dimension"),
        (lambda: sequence_log_prob_sum([]), "at least 1"),
        (lambda: open_margin_log_odds(["a", "b", "c"], [-1.0, -2.0]), "lengths must agree, got 3 .* 2"),
        (lambda: sample_agreement([]), "at least one text"),
        (lambda: sample_agreement("Paris"), "one text"),
        (lambda: member_agreement("x", odd(4)), "other_text must be text"),
        (lambda: refusal(odd(None)), "text must be text"),
        (lambda: Generation(token_log_probs=[NAN]), "token_log_probs"),
        (lambda: Generation(top_tokens=["a"]), "belong together"),
        (lambda: Generation(top_tokens=["a"], top_log_probs=[-1.0, -2.0]), "lengths must agree"),
        (lambda: read_signal("margin", Generation()), "signal must be one of"),
        (lambda: read_signal("member_agreement", Generation(text="4")), "needs other_text"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(call: Callable[[], object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        call()


def test_every_signal_is_read_off_what_it_needs() -> None:
    whole = Generation(
        text="4",
        finish_reason="stop",
        token_log_probs=[log(0.5)],
        option_log_probs=[log(0.5), log(0.25)],
        top_tokens=["4", "5"],
        top_log_probs=[log(0.5), log(0.125)],
        samples=["4", "5"],
        other_text="four",
    )
    assert read_signals(whole) == {
        "option_margin_log_odds": pytest.approx(log(2)),
        "option_margin_probability": pytest.approx(1 / 3),
        "open_margin_log_odds": pytest.approx(log(4)),
        "sequence_log_prob_sum": pytest.approx(log(0.5)),
        "sequence_log_prob_mean": pytest.approx(log(0.5)),
        "sample_agreement": 0.5,
        "member_agreement": 0.0,
        "answered": 1.0,
        "refusal": 0.0,
    }
    assert read_signals(whole).keys() == SIGNALS.keys()
    assert read_signals(Generation()) == {}
    assert read_signal("refusal", Generation(text="4", finish_reason="content_filter")) == 1
