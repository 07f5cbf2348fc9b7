"""Every backend against trying all answers, on instances of every kind with a fresh seed each time."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

_FUZZ = Path(__file__).parents[1] / "fuzz" / "solve_instances.py"
_SHARE = 150


@pytest.fixture(scope="module")
def instances() -> ModuleType:
    """The generator and the checks, which also run by themselves."""
    spec = importlib.util.spec_from_file_location("solver_instances", _FUZZ)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_backends_agree_with_trying_all_answers(instances: ModuleType) -> None:
    seed = np.random.SeedSequence().generate_state(1).item()
    print(f"python tests/fuzz/solve_instances.py --seed {seed} --count {_SHARE}")
    for index in range(_SHARE):
        failures, _ = instances.run(seed, index)
        assert not failures, f"--seed {seed} --first {index}"


def test_the_generator_draws_instances_with_and_without_an_answer(instances: ModuleType) -> None:
    found = [instances.brute_force(instances.make_problem(0, index=index)).value for index in range(60)]
    assert 10 < sum(value is None for value in found) < 50


def test_a_wrong_answer_is_noticed(instances: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = instances.solve

    def worse(problem: object, **options: object) -> object:
        plan = plain(problem, **options)
        if plan.found:
            plan.choice[:] = 0
        return plan

    monkeypatch.setattr(instances, "solve", worse)
    assert any(instances.run(0, index)[0] for index in range(20))
