"""What was asked of a batch and what came of it, so that a run goes on and a certificate can be checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from routoo.collect.journal import Journal, Line
from routoo.collect.keys import digest
from routoo.data.answer import Answer
from routoo.data.errors import InputError
from routoo.data.request import Request
from routoo.policies.smart.equivalence import Verdict
from routoo.policies.smart.items import Items
from routoo.policies.smart.predicted import Predicted
from routoo.policies.smart.promise import Promise

Key = tuple[str, str]  # a model, and what it is asked

_JUDGED = "="  # in the place of a model, where a judge is asked of two answers

_WORKED_OUT = ("expected_usd", "predicted")
"""What a run that goes on takes from the journal: predictions may be others in their last digit."""


def about_of(
    items: Items,
    promise: Promise,
    equivalence: str,
    *,
    bundle: str | None,
    predicted: Predicted | None,
) -> dict[str, Any]:
    """What a journal says of its batch first, as JSON has it.

    Args:
        items: The batch.
        promise: What is promised.
        equivalence: When two answers are the same.
        bundle: A hash of the bundle that the predictions are of.
        predicted: They.
    """
    promised = asdict(promise)
    expected, _ = promised.pop("expected_usd"), promised.pop("prices")
    promised["candidates"] = list(promise.candidates)
    return {
        "promise": promised,
        "equivalence": equivalence,
        "seed": items.seed,
        "items": items.rows,
        "bundle": bundle,
        "cascade": predicted is not None and predicted.answer_model is not None,
        "expected_usd": expected,
        "predicted": None if predicted is None else predicted.to_json(),
    }


def pair_of(answer: str, reference: str) -> Key:
    """What two answers that are judged are kept under."""
    return _JUDGED, digest([answer, reference])


class Record:
    """Answers and verdicts of one batch, each kept in a journal as it comes.

    Before calls are made, a line says which, and what they can cost at most; those whose answer was never
    written count as that. An answer that came is not asked for again, nor a candidate's that failed; the
    reference's is, in a further run.

    Args:
        path: The journal, which is made with the first line; None where nothing is to be kept.
        about: The batch (`about_of`), which must be the same when a run goes on; only what calls are taken
            to cost stays what it was.
        again: Whose failures are tried again.

    Raises:
        InputError: The journal is damaged, or of another batch.
    """

    def __init__(self, path: Path | None, about: Mapping[str, Any], *, again: str | None) -> None:
        self._journal = None if path is None else Journal(path)
        self.about = dict(about)
        self.answers: dict[Key, Answer] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.spent_usd, self.unknown, self.lost = 0.0, 0, 0
        self._flight: dict[Key, float] = {}
        self._keys = dict(self.about["items"])
        lines = [] if self._journal is None else self._journal.lines
        if lines:
            self._check(lines[0])
            self.about = {name: lines[0].get(name) for name in self.about}
        else:
            self._write("batch", **self.about)
        for at, line in enumerate(lines[1:], start=2):
            try:
                self._take(line)
            except (KeyError, TypeError, ValueError, InputError):
                raise InputError(
                    f"{path}, line {at}: damaged; restore the file, or begin with a new one"
                ) from None
        for key in [key for key, answer in self.answers.items() if answer.error and key[0] == again]:
            del self.answers[key]
        self._lose(list(self._flight))

    @classmethod
    def read(cls, path: Path) -> Record:
        """The record in a journal, as it stands.

        Raises:
            InputError: There is no such file, or it is none of a batch.
        """
        if not path.is_file():
            raise InputError(f"{path}: no such file; a certificate is checked against the calls it rests on")
        lines = Journal(path).lines
        if not lines or lines[0]["event"] != "batch":
            raise InputError(f"{path}: not the journal of a batch of routoo smart")
        about = {name: value for name, value in lines[0].items() if name != "event"}
        return cls(path, about, again=None)

    @property
    def promise(self) -> Promise:
        """What is promised."""
        known = dict(self.about["promise"])
        return Promise(
            **{**known, "candidates": tuple(known["candidates"])},
            expected_usd=self.about["expected_usd"],
            prices=None if self.predicted is None else self.predicted.prices,
        )

    @cached_property
    def predicted(self) -> Predicted | None:
        """What a router predicts of the items, where it is to choose."""
        kept = self.about.get("predicted")
        return None if kept is None else Predicted.from_json(kept)

    @property
    def items(self) -> Items:
        """The items of the batch."""
        rows = self.about["items"]
        return Items(tuple(row[0] for row in rows), tuple(row[1] for row in rows), self.about["seed"])

    def begin(self, calls: Mapping[Key, float]) -> None:
        """Writes which calls are made next, each with the most that it can cost."""
        self._flight.update(calls)
        self._write("try", calls=[[*key, most] for key, most in calls.items()])

    def to(self, requests: Sequence[Request], models: Sequence[str]) -> list[Answer]:
        """The answers that are known of those models to those requests."""
        keys = [
            (model, self._keys[request.prompt_id]) for request, model in zip(requests, models, strict=True)
        ]
        return [self.answers[key] for key in keys if key in self.answers]

    def keep(self, request: Request, answer: Answer) -> None:
        """Keeps an answer, or that none came."""
        line = {"model": answer.model, "key": self._keys[request.prompt_id], "row": answer.row()}
        self._write("answer", **line)
        self._take({"event": "answer", **line})

    def verdict(self, answer: str, reference: str) -> Verdict | None:
        """What was said of two answers, if anything was."""
        return self.verdicts.get(pair_of(answer, reference)[1])

    def judge(self, answer: str, reference: str, verdict: Verdict) -> None:
        """Keeps what was said of two answers."""
        line = {"pair": pair_of(answer, reference)[1], "same": verdict.same, "cost_usd": verdict.cost_usd}
        self._write("verdict", **line)
        self._take({"event": "verdict", **line})

    def settle(self, spent_usd: float, given_up: Sequence[Key]) -> None:
        """Counts all that was spent, tries of unknown cost and of calls that were given up included.

        Args:
            spent_usd: What a purse says, no call being under way.
            given_up: Calls that were begun and for which there was no more money.
        """
        more = spent_usd - self.spent_usd
        if given_up or more > 1e-9 * spent_usd:
            line = {"calls": [list(key) for key in given_up], "usd": max(more, 0.0)}
            self._write("spent", **line)
            self._take({"event": "spent", **line})

    def close(self) -> None:
        """Closes the journal."""
        if self._journal is not None:
            self._journal.close()

    def _write(self, event: str, **fields: Any) -> None:  # Any: values of JSON
        if self._journal is not None:
            self._journal.write(event, **fields)

    def _take(self, line: Line) -> None:
        if line["event"] == "try":
            calls = {(model, key): most for model, key, most in line["calls"]}
            self._lose([key for key in calls if key in self._flight])
            self._flight.update(calls)
        elif line["event"] == "answer":
            key = line["model"], line["key"]
            answer = Answer.from_row(line["row"])
            self.answers[key] = answer
            self._pay(answer.cost_usd, self._flight.pop(key, 0.0))
        elif line["event"] == "spent":
            for model, key in line["calls"]:
                del self._flight[model, key]
            self.spent_usd += line["usd"]
        else:
            self.verdicts[line["pair"]] = Verdict(line["same"], line["cost_usd"])
            self._pay(line["cost_usd"], self._flight.pop((_JUDGED, line["pair"]), 0.0))

    def _lose(self, keys: Sequence[Key]) -> None:
        """Counts calls whose answer was never written as what they could cost."""
        self.lost += len(keys)
        self.spent_usd += sum(self._flight.pop(key) for key in keys)

    def _pay(self, cost_usd: float | None, most_usd: float) -> None:
        self.unknown += cost_usd is None
        self.spent_usd += most_usd if cost_usd is None else cost_usd

    def _check(self, first: Line) -> None:
        compared = [name for name in self.about if name not in _WORKED_OUT]
        if other := [name for name in compared if first.get(name) != self.about[name]]:
            assert self._journal is not None  # for the type checker: there is a line
            words = ", ".join(_other(name, first.get(name), self.about[name]) for name in other)
            raise InputError(
                f"{self._journal.path}: that batch has another {words}; go on with the same, or begin with a "
                "new folder or file"
            )


def _other(name: str, before: Any, now: Any) -> str:  # Any: values of JSON
    """A field with what it was before; of a promise, what of it is another."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return name if isinstance(now, list) else f"{name} ({before}, not {now})"
    changed = [_other(key, before.get(key), now[key]) for key in now if before.get(key) != now[key]]
    return f"{name}: {', '.join(changed)}"
