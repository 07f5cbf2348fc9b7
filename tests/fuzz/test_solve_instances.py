"""Every backend against trying all answers, on instances of every kind with a fresh seed each time."""

import numpy as np
import pytest
import solve_instances

from routoo.data.assignment import Assignment
from routoo.solver.problem import Problem
from routoo.solver.solve import solve

_SHARE = 150


def test_backends_agree_with_trying_all_answers() -> None:
    seed = np.random.SeedSequence().generate_state(1).item()
    print(f"python tests/fuzz/solve_instances.py --seed {seed} --count {_SHARE}")
    for index in range(_SHARE):
        failures, _ = solve_instances.run(seed, index)
        assert not failures, f"--seed {seed} --first {index}"


def test_the_generator_draws_instances_with_and_without_an_answer() -> None:
    found = [
        solve_instances.brute_force(solve_instances.make_problem(0, index=index)).value for index in range(60)
    ]
    assert 10 < sum(value is None for value in found) < 50


def test_a_wrong_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def worse(problem: Problem, *, solver: str) -> Assignment:
        plan = solve(problem, solver=solver)
        if plan.found:
            plan.choice[:] = 0
        return plan

    monkeypatch.setattr(solve_instances, "solve", worse)
    assert any(solve_instances.run(0, index)[0] for index in range(20))
