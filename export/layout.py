"""What is on disk: the files of a bundle, and what the graphs take and give."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from routoo.data.storage.file_set import FileSet

NEWEST_FORMAT = 8
"""Version of the format that is written, the newest that is read; `older_formats` has what changed since.

From the sixth on the network has evidence heads, from the fifth on `router.json` holds a hash of itself.
"""

OLDEST_FORMAT = 3
"""The oldest that is read, and the one without attributes; the second had one calibration for inferred and
observed domains."""

GRAPH_INPUTS = ("input_ids", "attention_mask", "domain")
"""Inputs of the graphs, int64: ``(n_prompts, length)`` twice, then ``(n_prompts,)``, -1 for unknown."""

ATTRIBUTES_INPUT = "attributes"
"""One more input where attributes were learned, int64 ``(n_prompts, n_attributes)``, -1 for unknown."""

GRAPH_OUTPUTS = ("p_correct", "logit_std", "output_tokens", "latency_s")
"""Outputs of the graphs, each ``(n_prompts, n_models)`` float32; NaN where nothing is known."""


@dataclass(frozen=True)
class Layout:
    """The files of a bundle, by what they hold.

    Args:
        router: Format version, `BundleDescription`, size and SHA-256 of every other file.
        graph: The network for ONNX Runtime, in float32; not there before an export.
        int8_graph: The same with the encoder in int8; may be left out.
        tokenizer: Of the Hugging Face `tokenizers` library.
        weights: The network's weights, to train on.
        metrics: Figures of training and export.
        card: For people, with the front matter of the Hugging Face hub.
        sample: Prompts that an export will be checked against; not there after an export.
        split: Which prompts were in train, val and test, by hashes of their texts.
    """

    router: str = "router.json"
    graph: str = "model.onnx"
    int8_graph: str = "model.int8.onnx"
    tokenizer: str = "tokenizer.json"
    weights: str = "model.safetensors"
    metrics: str = "metrics.json"
    card: str = "README.md"
    sample: str = "sample_prompts.json"
    split: str = "split.json"

    @property
    def names(self) -> tuple[str, ...]:
        """Every file name, `router` first."""
        return dataclasses.astuple(self)

    @property
    def required(self) -> tuple[str, ...]:
        """The files beside `router` that no bundle is without."""
        return (self.tokenizer, self.weights, self.metrics, self.card)

    @property
    def optional(self) -> tuple[str, ...]:
        """The files that a bundle may be without."""
        return (self.graph, self.int8_graph, self.sample, self.split)


LAYOUT = Layout()

FILES = FileSet(LAYOUT.router, LAYOUT.names[1:])
"""The same as files that are replaced as one."""
