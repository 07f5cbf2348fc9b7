"""What the base install serves, in an interpreter that finds none of what the extras bring."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from routoo.data.pool import Pool

EXTRAS = {
    "train": "torch transformers lightning safetensors onnx onnxscript scipy sklearn pandas sympy",
    "exact": "cvxpy clarabel osqp scs",
    "report": "altair vl_convert jinja2",
    "hub": "huggingface_hub",
}

_HIDE = f"""
import sys
from importlib.machinery import PathFinder

class Hides:
    @staticmethod
    def find_spec(name, path=None, target=None):
        hidden = name.partition(".")[0] in {set(" ".join(EXTRAS.values()).split())!r}
        return None if hidden else PathFinder.find_spec(name, path, target)

sys.meta_path = [Hides if finder is PathFinder else finder for finder in sys.meta_path]
"""

_DOORS = """
from pathlib import Path
import routoo
from routoo.data.costs.derived_pool import derive_pool
from routoo.solver.pacer import Pacer
from routoo.solver.streaming.stream import assign_parquet

bundle, data, folder = sys.argv[1:]
router = routoo.Router.from_pretrained(bundle)
prompts = ["Name a river.", "What is 3 times 4?", "Translate good morning into French."]
scores = router.predict(prompts)
print(router.select(prompts[0]).model)
print(router.select(prompts[0], pacer=Pacer(1.0, expected_prompts=10)).model)
for solver in ("auto", "greedy", "dual"):
    print(solver, router.assign(scores, budget_usd=1.0, solver=solver).status)
print(router.assign(prompts, budget_usd=1.0, max_mean_latency_s=60.0).status)
file = Path(folder, "scores.parquet")
scores.to_polars().write_parquet(file)
print(assign_parquet(file, Path(folder, "plan.parquet"), budget_usd=1.0).status)
outcomes = routoo.Outcomes.read(data)
print(len(outcomes.with_split()), len(derive_pool(outcomes)), routoo.lint_pool(router.pool, outcomes))
for needs in (lambda: router.assign(scores, budget_usd=1.0, solver="exact"), lambda: routoo.train(outcomes)):
    try:
        needs()
    except routoo.MissingExtraError as error:
        print(error)
"""


def _run(code: str, *arguments: object) -> str:
    command = [sys.executable, "-W", "error", "-c", _HIDE + code, *(str(one) for one in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_base_serves_reads_and_names_the_extra_that_is_missing(
    bundle_folder: Path, data_folder: Path, tmp_path: Path
) -> None:
    said = _run(_DOORS, bundle_folder, data_folder, tmp_path)
    assert "auto optimal\ngreedy optimal\ndual optimal\n" in said
    assert "solver 'exact' needs cvxpy: pip install 'routoo[exact]'" in said
    assert "training needs torch, transformers, lightning, scipy: pip install 'routoo[train]'" in said


@pytest.mark.parametrize(
    "command",
    [
        "select {bundle} Prompt",
        "predict {bundle} {prompts}",
        "assign {bundle} {prompts} --budget-usd 1",
        "data inspect {data}",
        "pool show {pool}",
        "pool lint {pool} {data}",
        "pool pick {data} -k 2",
    ],
)
def test_commands_of_the_base_answer(
    bundle_folder: Path, data_folder: Path, simulated_models: Pool, tmp_path: Path, command: str
) -> None:
    (prompts := tmp_path / "prompts.txt").write_text("Name a river.\nName a lake.\n")
    simulated_models.write(pool := tmp_path / "pool.toml")
    paths = {"bundle": bundle_folder, "data": data_folder, "prompts": prompts, "pool": pool}
    words = [word.format(**paths) for word in command.split()]
    assert _run("from routoo.cli import main\nsys.argv[0] = 'routoo'\nsys.exit(main())", *words)


def test_prompts_without_domains_need_an_extra_to_be_grouped(data_folder: Path) -> None:
    code = """
import routoo
from routoo.design.groups import PromptGroups
outcomes = routoo.Outcomes.read(sys.argv[1])
try:
    PromptGroups.of(routoo.Outcomes(outcomes.prompts.drop("domain"), outcomes.outcomes))
except routoo.MissingExtraError as error:
    print(error)
"""
    assert "needs scikit-learn: pip install 'routoo[train]', or add a column domain" in _run(
        code, data_folder
    )
