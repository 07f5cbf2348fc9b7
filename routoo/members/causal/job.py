"""A prompt to be continued, and what was written."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Job:
    """A prompt as tokens, and how it is to be continued.

    Args:
        tokens: What is read.
        most_new: Most tokens that are written; 0 where the first position alone is looked at.
        draws: Numbers within 0 and 1 that choose the tokens, ``(n_samples, most_new)``; None takes the
            likeliest token each time, once.
    """

    tokens: tuple[int, ...]
    most_new: int
    draws: npt.NDArray[np.float64] | None = None

    @property
    def copies(self) -> int:
        """How many samples are written."""
        return 1 if self.draws is None else len(self.draws)

    @property
    def size(self) -> int:
        """Most tokens that each sample can come to, with the prompt."""
        return len(self.tokens) + self.most_new


@dataclass(eq=False)
class Sample:
    """What was written for a job, token by token.

    Args:
        job: Its position among the jobs.
        at: Its number among the job's samples.
        started_s: When its prompt was taken up, on a clock.
        tokens: What was written so far, the one that ended it included.
        log_probs: Of each of them, at temperature 1.
        first_s: When the first was there.
        last_s: When the last was.
        ended: Whether the last one is an end of the text.
    """

    job: int
    at: int
    started_s: float
    tokens: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    first_s: float = 0.0
    last_s: float = 0.0
    ended: bool = False


@dataclass(frozen=True, eq=False)
class Written:
    """All that was written for a job.

    Args:
        samples: One a sample.
        first_log_probs: Of every token at the first position, ``(n_vocabulary,)`` float32, where asked for.
    """

    samples: list[Sample]
    first_log_probs: npt.NDArray[np.float32] | None
