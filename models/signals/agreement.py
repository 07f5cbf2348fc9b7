"""How far answers to one prompt agree, in normalised form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import text_of
from routoo.models.signals.generation import texts
from routoo.models.signals.normalisation import normalised


def sample_agreement(samples: Sequence[str]) -> float:
    """Share of the samples that give the most frequent answer; an empty answer agrees with none.

    The vote of self-consistency (Wang et al. 2023, arXiv 2203.11171). Samples are final answers, without
    reasoning.

    Raises:
        InputError: There is no sample.

    >>> sample_agreement(["Paris", "paris.", "Lyon", ""])
    0.5
    """
    found = [normalised(sample) for sample in texts("samples", samples)]
    counts = Counter(answer for answer in found if answer)
    return max(counts.values(), default=0) / len(found)


def member_agreement(text: str, other_text: str) -> float:
    """1 where another member gave the same answer, else 0; an empty answer agrees with none.

    Ours; Yue et al. (2024, arXiv 2310.03094) compare answers to two ways of asking in the same way.

    Raises:
        InputError: One is no text.
    """
    answer = normalised(text_of("text", text))
    return float(answer != "" and answer == normalised(text_of("other_text", other_text)))


def answer_codes(answers: Sequence[Sequence[str | None]]) -> npt.NDArray[np.int64]:
    """A number for each answer, ``(n_prompts, n_models)``: two answers agree where theirs are the same.

    -1 is of an empty answer and of none, which agree with nothing. That is `member_agreement` of all pairs.

    Args:
        answers: Those of the models to each prompt, a row a prompt; None where there is none.

    >>> answer_codes([["Paris", "Lyon", "paris.", ""], ["4", None, "four", "4"]]).tolist()
    [[0, 1, 0, -1], [2, -1, 3, 2]]
    """
    known: dict[str, int] = {"": -1}
    of: dict[str | None, int] = {None: -1}

    def code(answer: str | None) -> int:
        if answer not in of:
            of[answer] = known.setdefault(normalised(text_of("answer", answer)), len(known) - 1)
        return of[answer]

    rows = [[code(answer) for answer in row] for row in answers]
    return np.array(rows, np.int64).reshape(len(rows), -1 if rows else 0)
