"""Scores that lie in files: a batch of any size as one record, of which memory holds what fits."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from routoo.data.progress import Stages
from routoo.data.scores import Matrix, Scores
from routoo.data.tables.predicted_rows import Needs
from routoo.solver.streaming.prediction_files import PredictionFiles

_ALWAYS = ("p_correct", "cost_usd", "latency_s")
_TOKENS = ("input_tokens", "output_tokens")


@dataclass(frozen=True, eq=False)
class Mapped:
    """A batch of predictions in files that only this process sees, and that go when it ends, however it ends.

    Args:
        scores: The predictions; their arrays are files mapped into memory, 4 bytes a prompt and model each.
        needs: What each prompt needs, where the files say so.
    """

    scores: Scores
    needs: Needs

    @classmethod
    def of(
        cls, files: PredictionFiles, folder: Path, *, tokens: bool, progress: Stages | None = None
    ) -> Mapped:
        """The predictions of these files, read once, a chunk at a time.

        Args:
            files: Where they are.
            folder: Where there is room for what is mapped.
            tokens: Whether tokens are needed too.
            progress: Called after each chunk.

        Raises:
            InputError: The rows are not of their form, or a number is out of range.
            OSError: There is no room.
        """
        reader, needs = files.reader, Needs(files.reader)
        names = [*_ALWAYS, *(name for name in _TOKENS if tokens and name in reader.numbers)]
        with ExitStack() as stack:
            written = {name: stack.enter_context(tempfile.TemporaryFile(dir=folder)) for name in names}
            for chunk, frame in files.checked():
                scores = reader.scores(frame)
                for name, file in written.items():
                    file.write(np.ascontiguousarray(getattr(scores, name)).data)
                needs.add(frame)
                if progress is not None:
                    progress("reading", chunk.stop, len(files))
            shape = (len(files), len(reader.models))
            mapped: dict[str, Any] = {name: _mapped(file, shape) for name, file in written.items()}
        scores = Scores(**mapped, models=reader.models, nominal_costs=files.nominal_costs)
        return cls(scores, needs)


def _mapped(file: IO[bytes], shape: tuple[int, int]) -> Matrix:
    file.flush()
    return np.memmap(file, np.float32, "r", shape=shape)


def needs_tokens(fields: Mapping[str, object]) -> bool:
    """Whether a problem of these fields may ask how many tokens calls take."""
    caps = fields.get("model_limits")
    stated = caps.values() if isinstance(caps, Mapping) else ()
    return fields.get("pool") is not None or any(
        getattr(limit, "max_tokens", None) is not None for limit in stated
    )
