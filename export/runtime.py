"""A bundle at work: prompts in, scores out, by tokenizers and ONNX Runtime alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from routoo.data.batch_tiers import model_of
from routoo.data.chat import Prompt
from routoo.data.checks.arguments import number, record
from routoo.data.checks.batch import prompt_texts
from routoo.data.cores import usable_cores
from routoo.data.domains import Attributes, attribute_numbers, domain_numbers
from routoo.data.errors import BundleError, InputError
from routoo.data.pool import Pool
from routoo.data.progress import Progress
from routoo.data.scores import Scores, priced_scores
from routoo.data.storage.foreign import library_errors
from routoo.data.text import EncodedPrompts, PromptTokenizer
from routoo.export.bundle import Bundle
from routoo.export.layout import LAYOUT
from routoo.export.session import Graph, Ids, Outputs, open_graph

_FP32_BATCH_TOKENS = 4096


class Runtime:
    """What a bundle predicts, with the costs that a pool's prices make of it.

    Sessions are made when a process first predicts, so that a runtime may be forked or pickled before.

    In int8 a prompt is computed alone unless asked otherwise: activations are scaled over a whole batch, so
    that in company a prompt's scores would depend on its neighbours. On a processor it costs next to nothing.

    Args:
        bundle: The bundle.
        pool: Other prices, or fewer models; the bundle's own pool when not given.
        threads: Threads to use; all cores that this process may use when None.
        int8: Whether to use the graph in int8; None to use it where the bundle has it.
        batch_tokens: Tokens with padding that are computed together; 4096 in float32, one prompt in int8.

    Raises:
        InputError: The pool has a model that the bundle does not know, or a number is below 1.
        BundleError: There is no such graph, or the tokenizer cannot be read.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        pool: Pool | None = None,
        threads: int | None = 1,
        int8: bool | None = None,
        batch_tokens: int | None = None,
    ) -> None:
        for name, count in (("threads", threads), ("batch_tokens", batch_tokens)):
            if count is not None:
                number(name, count, least=1, whole=True)
        self.bundle = bundle
        self.pool = bundle.description.pool if pool is None else record("pool", pool, Pool)
        self.int8 = bundle.has_int8 if int8 is None else record("int8", int8, bool)
        self._graph_name = LAYOUT.int8_graph if self.int8 else LAYOUT.graph
        if self._graph_name not in bundle.files:
            raise BundleError(f"{bundle.folder} has no {self._graph_name}: `routoo export` writes one")
        self.threads = usable_cores() if threads is None else threads
        self.tokenizer = read_tokenizer(bundle)
        self._batch_tokens = batch_tokens or (1 if self.int8 else _FP32_BATCH_TOKENS)
        self._columns = _columns(bundle.description.pool, self.pool)
        self._input_token_ratio = np.array(bundle.description.input_token_ratio)[self._columns]
        self._graphs: dict[tuple[int, int], Graph] = {}

    def warm_up(self) -> Runtime:
        """The runtime itself, once it is ready to answer the next prompt at full speed."""
        self.predict(["warm " * self.bundle.description.policy.max_tokens])
        return self

    def predict(
        self,
        prompts: Iterable[Prompt],
        *,
        domains: Iterable[str | None] | None = None,
        attributes: Attributes | None = None,
        prompt_ids: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> Scores:
        """Predicted score, cost and latency of each of the pool's models on each prompt.

        Args:
            prompts: Texts or chats, as `prompt_texts` takes them.
            domains: Domain of each prompt, where it is known. A name that was not learned counts as
                unknown, and the domain is then inferred from the text.
            attributes: Values of attributes that were learned, likewise.
            prompt_ids: Their names in the result.
            progress: Called with how far it is.

        Raises:
            InputError: There is no prompt, or one is neither text nor chat, or blank, the ids are not as
                many, or an attribute was not learned.
        """
        encoded = self.tokenizer.encode(prompt_texts(prompts))
        return self.predict_encoded(
            encoded, domains=domains, attributes=attributes, prompt_ids=prompt_ids, progress=progress
        )

    def predict_encoded(
        self,
        encoded: EncodedPrompts,
        *,
        domains: Iterable[str | None] | None = None,
        attributes: Attributes | None = None,
        prompt_ids: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> Scores:
        """The same for prompts that `tokenizer` encoded before; `encoded.cut` says which lost their middle.

        Raises:
            InputError: There is no prompt, the ids are not as many, or an attribute was not learned.
        """
        if not len(encoded):
            raise InputError("nothing to predict: expected at least one prompt, got none")
        known = self.bundle.description
        observed = (
            domain_numbers(domains, known.domains, len(encoded)),
            attribute_numbers(attributes, known.attributes, len(encoded)),
        )
        found = Outputs(*(output[:, self._columns] for output in self._run(encoded, observed, progress)))
        sent = encoded.input_tokens[:, None] * self._input_token_ratio
        return priced_scores(
            self.pool,
            sent,
            **found._asdict(),
            prompt_ids=prompt_ids,
            unrecorded=known.unrecorded_in(self.pool),
        )

    def _run(self, encoded: EncodedPrompts, observed: tuple[Ids, Ids], progress: Progress | None) -> Outputs:
        """The graph's outputs, in the order of the prompts."""
        batches = encoded.batches(self._batch_tokens)
        found = []
        done = 0
        for batch, outputs in zip(batches, self._run_all(encoded, observed, batches), strict=True):
            found.append(outputs)
            done += len(batch)
            if progress is not None:
                progress(done, len(encoded))
        back = np.argsort(np.concatenate(batches))
        joined = Outputs(*(output[back] for output in Outputs.join(found)))
        models = joined.p_correct.shape[1]
        if models != (known := len(self.bundle.description.pool)):
            raise BundleError(
                f"{self.bundle.folder}: {LAYOUT.router} names {known} models, and {self._graph_name} "
                f"predicts {models}; export it again"
            )
        return joined

    def _run_all(
        self, encoded: EncodedPrompts, observed: tuple[Ids, Ids], batches: list[npt.NDArray[np.intp]]
    ) -> Iterator[Outputs]:
        """Outputs of each batch; several share the threads out: many threads on one prompt gain less."""
        alone = self.threads == 1 or len(batches) == 1
        graph = self._graph(self.threads if alone else 1)

        def outputs(batch: npt.NDArray[np.intp]) -> Outputs:
            return graph(*encoded.batch(batch), *(ids[batch] for ids in observed))

        if alone:
            yield from map(outputs, batches)
            return
        with ThreadPoolExecutor(self.threads, "routoo") as workers:
            yield from workers.map(outputs, batches)

    def _graph(self, threads: int) -> Graph:
        """The graph in this process; one opened before a fork would wait for threads that are gone."""
        key = (os.getpid(), threads)
        if key not in self._graphs:
            graph = open_graph(self.bundle.content(self._graph_name), threads=threads)
            self._graphs.setdefault(key, graph)
        return self._graphs[key]

    def __getstate__(self) -> dict[str, Any]:  # attributes, of all kinds
        return {**self.__dict__, "_graphs": {}}


def read_tokenizer(bundle: Bundle) -> PromptTokenizer:
    """The tokenizer of a bundle, with its policy.

    Raises:
        BundleError: It cannot be read, or reads nothing.
    """
    content = bundle.content(LAYOUT.tokenizer)
    with library_errors(BundleError, f"{bundle.folder}: {LAYOUT.tokenizer} cannot be read"):
        tokenizer = Tokenizer.from_buffer(content)
    try:
        return PromptTokenizer(tokenizer, bundle.description.policy)
    except InputError as error:
        raise BundleError(f"{bundle.folder}: {LAYOUT.tokenizer}: {error}") from error


def _columns(known: Pool, wanted: Pool) -> npt.NDArray[np.intp]:
    """Columns of the graph that the wanted models have; a batch tier has that of the model it is of."""
    models = [name if name in known.names else model_of(name) for name in wanted.names]
    unknown = [name for name in models if name not in known.names]
    if unknown:
        raise InputError(
            f"the pool has {', '.join(unknown)}, and the bundle predicts {', '.join(known.names)}: "
            "a model that was not trained on cannot be predicted"
        )
    return np.array([known.names.index(name) for name in models], np.intp)
