"""The contract: what a router promises, at which price, and what that rests on."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from routoo.data.checks.arguments import number, path_of
from routoo.data.errors import InputError
from routoo.data.storage.files import read_regular, write_atomically
from routoo.policies.contracts.fingerprints import of_json
from routoo.policies.contracts.promise import ScorePromise, SpendPromise

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Contract:
    """A promise: so large a share of a reference model's mean score, with so much confidence.

    Made by `routoo.contract`, kept by `Router.select`, `assign` and `cascade`, watched by `ContractWatch`.
    It lapses where a watch raised the alarm (`lapsed` says so), and where pool, prices or bundle are no
    longer those that it was made for.

    Args:
        share: Of the mean score of the reference that the policy has at least.
        reference: The model, by name; prompts go to it where the contract has lapsed.
        confidence: With which all of it holds, over the draw of the calibration prompts.
        price: Score per USD that the router chooses at.
        max_calls: Most models that a prompt is sent to: 1 for the router's own choice, more for cascades.
        spend_usd: Most mean cost of a prompt, where that is promised too.
        prompt_usd: What a prompt counts as, for that, which costs more.
        prompts: Calibration prompts with scores.
        judged: Further ones, of which only a judge's scores are known.
        score: The policy's mean score on the prompts.
        reference_score: The reference's.
        margin: Lower bound of the mean score less the share of the reference's: never negative.
        cost_usd: The policy's mean cost of a prompt, there.
        reference_cost_usd: The reference's.
        data: What the outcomes were called.
        data_sha256: Their hash.
        seed: Of the order in which the prompts were bet on.
        pool_sha256: Hash of the pool with its prices.
        bundle_sha256: Hash of the bundle.
        lapsed: Why it no longer holds; None while it does.

    Raises:
        InputError: A number is out of its range.
    """

    share: float
    reference: str
    confidence: float
    price: float
    max_calls: int = 1
    spend_usd: float | None = None
    prompt_usd: float | None = None
    prompts: int
    judged: int = 0
    score: float
    reference_score: float
    margin: float
    cost_usd: float
    reference_cost_usd: float
    data: str
    data_sha256: str
    seed: int = 0
    pool_sha256: str
    bundle_sha256: str
    lapsed: str | None = None

    def __post_init__(self) -> None:
        _ = self.of_score, self.of_spend  # which check their numbers
        number("price", self.price, finite=True)
        number("max_calls", self.max_calls, least=1, whole=True)
        if not 0 < number("confidence", self.confidence, most=1) < 1:
            raise InputError(f"confidence must be above 0 and below 1, got {self.confidence:g}")

    @property
    def of_score(self) -> ScorePromise:
        """What is promised of the score."""
        return ScorePromise(self.share)

    @property
    def of_spend(self) -> SpendPromise | None:
        """What is promised of the spend, if anything."""
        return None if self.spend_usd is None else SpendPromise(self.spend_usd, self.prompt_usd or 0.0)

    @property
    def saved(self) -> float:
        """Share of the reference's cost that the policy saved on the calibration prompts."""
        return 1 - self.cost_usd / self.reference_cost_usd if self.reference_cost_usd else math.nan

    def lapse(self, why: str) -> Contract:
        """The contract once it has lapsed; the first reason stays."""
        return self if self.lapsed else dataclasses.replace(self, lapsed=why)

    def in_words(self) -> str:
        """The promise in a sentence."""
        spend = "" if self.spend_usd is None else f", and a mean spend of at most {self.spend_usd:.6g} USD"
        return (
            f"at least {100 * self.share:g} % of the mean score of {self.reference}{spend}, with "
            f"{100 * self.confidence:g} % confidence"
        )

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The contract as plain JSON, with a hash of it, by which an edit is noticed."""
        fields = dataclasses.asdict(self)
        return {"format": FORMAT, **fields, "sha256": of_json(fields)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:  # Any: a JSON document
        """The contract that `to_dict` wrote.

        Raises:
            InputError: It is no such document, of another format, or was edited since.
        """
        if document.get("format") != FORMAT:
            raise InputError(
                f"a contract of format {document.get('format')!r} cannot be read: {FORMAT} can; make it anew"
            )
        known = {field.name for field in fields(cls)}
        try:
            found = cls(**{key: value for key, value in document.items() if key in known})
        except TypeError as error:
            raise InputError(f"not a contract: {error}") from None
        if document.get("sha256") != found.to_dict()["sha256"]:
            raise InputError(
                "this contract was edited after it was made, so that nothing shows what it promises: make it "
                "anew"
            )
        return found

    def write(self, path: str | Path) -> None:
        """Writes the file that `read` reads, in one step.

        Raises:
            InputError: A folder or a pipe has that name.
            OSError: The folder is missing or the disk is full; the old file then stands untouched.
        """
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False)
        write_atomically(path_of("path", path), f"{text}\n".encode())

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The contract in a file.

        Raises:
            InputError: There is none.
        """
        path = path_of("path", path)
        try:
            document = json.loads(read_regular(path))
        except OSError as error:
            raise InputError(f"{path}: no contract there ({error.strerror})") from None
        except ValueError:
            raise InputError(f"{path}: not JSON, as a contract is; `routoo contract` writes one") from None
        if not isinstance(document, dict):
            raise InputError(f"{path}: not a contract; `routoo contract` writes one")
        try:
            return cls.from_dict(document)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
