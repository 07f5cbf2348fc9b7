"""What a diagnostic is: a question to an evaluation, answered by a sentence and a chart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from routoo.evaluation.evaluation import Evaluation

Spec = dict[str, Any]  # Any: a Vega-Lite specification


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One section of the report; a line in `registry.py` puts it there.

    Args:
        key: Name of its place in the page.
        heading: What it is about.
        label: What the chart shows, for those who cannot see it.
        sentence: What the evaluation shows of it; empty where there is nothing to say.
        caption: How to read the chart.
        chart: The chart; None where there is nothing to draw, and the section is left out.
        wide: Whether it takes the whole width of the page.
    """

    key: str
    heading: str
    label: str
    sentence: Callable[[Evaluation], str]
    caption: Callable[[Evaluation], str]
    chart: Callable[[Evaluation], Spec | None]
    wide: bool = False
