"""A member that samples until a vote is decided, and refuses where none is won."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from routoo.data.answer import Answer, no_answer
from routoo.data.answers import Answers
from routoo.data.errors import CallError, InputError
from routoo.data.request import Request
from routoo.members.member import Member, OnAnswer
from routoo.sater.refusals import REFUSAL
from routoo.sater.sums import added
from routoo.sater.voting import ConfidenceVote, Verdict


class VotingModel:
    """Asks members in turn, one a sample, until their vote is decided.

    Its answer is the one that won, or a refusal, with the signals `refusal` and `sample_agreement` (the share
    of the leading answer): what asks a larger model on a refusal, cascades as well, need know nothing of
    votes. Tokens, cost and seconds are those of all samples that were drawn; seconds are added up.

    Args:
        name: Its name in the pool.
        voters: Whom each sample is asked of, in the order of the vote's thresholds: members at these
            thresholds and at a temperature above 0, one of which may stand several times.
        vote: How votes are weighed.

    Raises:
        InputError: There is not one voter a threshold.
    """

    def __init__(self, name: str, voters: Sequence[Member], vote: ConfidenceVote) -> None:
        if len(voters) != len(vote.thresholds):
            raise InputError(
                f"expected one voter a threshold: {len(vote.thresholds)} thresholds, {len(voters)} voters"
            )
        self.name, self.voters, self.vote = name, tuple(voters), vote

    def answer(
        self, requests: Sequence[Request], *, signals: Sequence[str] = (), on_answer: OnAnswer | None = None
    ) -> Answers:
        """An answer to every request; each round asks all whose vote is open. See `Member.answer`."""
        drawn: dict[int, list[Answer]] = {at: [] for at in range(len(requests))}
        found: list[Answer] = []
        going = list(drawn)
        for number, voter in enumerate(self.voters):
            asked = [self._sample(requests[at], number) for at in going]
            places = {(sample.prompt_id, sample.sample): at for sample, at in zip(asked, going, strict=True)}
            came: list[Answer] = []
            voter.answer(asked, signals=("refusal",), on_answer=came.append)
            for one in came:
                drawn[places[one.prompt_id, one.sample]].append(one)
            ended = [at for at in going if self._verdict(drawn[at]).decided or drawn[at][-1].error]
            going = [at for at in going if at not in set(ended)]
            for at in ended if number + 1 < len(self.voters) else [*ended, *going]:
                answer = self._settled(requests[at], drawn[at], signals)
                found.append(answer)
                if on_answer is not None:
                    on_answer(answer)
            if not going:
                break
        return Answers.of(found, name=self.name)

    async def answer_one(self, request: Request, *, signals: Sequence[str] = ()) -> Answer:
        """The answer to one request; see `Member.answer_one`.

        Raises:
            CallError: A sample did not come; it says what those before it cost.
        """
        drawn: list[Answer] = []
        for number, voter in enumerate(self.voters):
            try:
                drawn.append(await voter.answer_one(self._sample(request, number), signals=("refusal",)))
            except CallError as error:
                error.cost_usd = added([error.cost_usd, *(answer.cost_usd for answer in drawn)])
                raise
            if self._verdict(drawn).decided:
                break
        return self._settled(request, drawn, signals)

    def most_usd(self, request: Request) -> float:
        """What all samples may cost together."""
        return sum(voter.most_usd(request) for voter in self.voters)

    def _sample(self, request: Request, number: int) -> Request:
        """The request of a sample, no two of which are the same over all samples of a request."""
        return replace(request, sample=request.sample * len(self.voters) + number, key=None)

    def _verdict(self, drawn: Sequence[Answer]) -> Verdict:
        said = [None if answer.signals.get("refusal") else answer.answer for answer in drawn]
        return self.vote.after(said)

    def _settled(self, request: Request, drawn: Sequence[Answer], signals: Sequence[str]) -> Answer:
        cost = added([answer.cost_usd for answer in drawn])
        if drawn[-1].error:
            return no_answer(request, self.name, drawn[-1].error, cost_usd=cost)
        verdict = self._verdict(drawn)
        read = {"refusal": float(verdict.answer is None), "sample_agreement": verdict.share}
        return Answer(
            prompt_id=request.prompt_id,
            model=self.name,
            answer=REFUSAL if verdict.answer is None else verdict.answer,
            sample=request.sample,
            input_tokens=added([answer.input_tokens for answer in drawn]),
            output_tokens=added([answer.output_tokens for answer in drawn]),
            cost_usd=cost,
            latency_s=added([answer.latency_s for answer in drawn]),
            latency_first_s=drawn[0].latency_first_s,
            finish_reason="stop",
            samples=tuple(answer.answer or "" for answer in drawn),
            signals={name: value for name, value in read.items() if name in signals},
        )
