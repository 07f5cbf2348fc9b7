"""What is defined in a room is in its registry: what nobody registered would never be shown."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import pytest

from routoo.evaluation import diagnostics, metrics
from routoo.evaluation.diagnostics.diagnostic import Diagnostic
from routoo.evaluation.diagnostics.registry import DIAGNOSTICS
from routoo.evaluation.metrics.metric import Metric
from routoo.evaluation.metrics.registry import METRICS


@pytest.mark.parametrize(
    ("room", "kind", "registered"), [(metrics, Metric, METRICS), (diagnostics, Diagnostic, DIAGNOSTICS)]
)
def test_all_that_a_room_defines_is_registered_once(
    room: ModuleType,
    kind: type[Metric] | type[Diagnostic],
    registered: tuple[Metric, ...] | tuple[Diagnostic, ...],
) -> None:
    modules = [
        importlib.import_module(f"{room.__name__}.{found.name}")
        for found in pkgutil.iter_modules(room.__path__)
    ]
    defined = {value.key for module in modules for value in vars(module).values() if isinstance(value, kind)}
    keys = [found.key for found in registered]
    assert len(keys) == len(set(keys))
    assert set(keys) == defined
