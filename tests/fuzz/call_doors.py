"""Calls the doors of the Python API with odd values: each must end in an answer or in an error of ours.

    export PYTHONPATH=tests/support  # where simulated prompts are made
    python tests/fuzz/call_doors.py --calls 20000 [--seed 7] [--predictor FOLDER --bundle FOLDER]

Without folders a tiny predictor is trained and exported first. The number of a call after the seed makes it
again: `--only 123`.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from odd_values import OwnError, like, odd_table, odd_value
from simulated.outcomes import simulated_outcomes, simulated_pool

import routoo
from routoo.evaluation.metrics.robustness import robustness
from routoo.models.baselines.domain_table import DomainTable
from routoo.models.baselines.means import SingleModelMeans
from routoo.models.baselines.neighbours import NearestNeighbours
from routoo.models.training.options import TrainOptions
from routoo.solver.select import select

PROMPTS = ["Name a river.", "What is 2 + 2?", "Who wrote Faust?"]

Door = Callable[["World", random.Random], object]


@dataclass(frozen=True)
class World:
    """What the doors are called on, and with, where nothing is odd."""

    router: routoo.Router
    predictor: routoo.Predictor
    outcomes: routoo.Outcomes
    pool: routoo.Pool

    @classmethod
    def of(cls, predictor: routoo.Predictor, bundle: Path) -> World:
        """The world of a predictor that was trained on simulated prompts, and its bundle."""
        outcomes = simulated_outcomes(60).with_split(val=0.2, test=0.2)
        return cls(routoo.Router.from_pretrained(bundle), predictor, outcomes, simulated_pool())

    def scores(self) -> routoo.Scores:
        """Made-up predictions for three prompts."""
        p = np.array([[0.9, 0.4], [0.8, 0.7], [0.5, 0.4]])
        cost, tokens = np.array([[0.02, 0.001]] * 3), np.full((3, 2), 50.0)
        return routoo.Scores(
            p,
            cost,
            np.full((3, 2), 1.5),
            ("large", "small"),
            output_tokens=tokens,
            input_tokens=tokens,
            logit_std=np.full((3, 2), 0.3),
        )


def given(
    draw: random.Random, arguments: dict[str, Any], more: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The arguments, some of those that may be left out, and an odd value or two in place of good ones."""
    chosen = dict(arguments)
    for name, value in (more or {}).items():
        if draw.random() < 0.3:
            chosen[name] = value
    good = {**arguments, **(more or {})}
    for name in draw.sample(list(good), min(len(good), draw.choice((1, 1, 2)))):
        chosen[name] = like(draw, good[name]) if draw.random() < 0.5 else odd_value(draw)
    return chosen


def limits(world: World) -> dict[str, Any]:
    """Good values of the fields of a problem of three prompts, of the models of made-up predictions."""
    return {
        "budget_usd": 0.05,
        "min_mean_score": 0.5,
        "max_mean_latency_s": 2.0,
        "latency_tail": routoo.LatencyTail(above_s=1.0, max_share=0.9),
        "model_limits": {"large": routoo.ModelLimit(max_requests=2)},
        "domains": ["law", None, "law"],
        "domain_limits": {"law": routoo.DomainLimit(budget_usd=1.0)},
        "max_cost_usd": 0.05,
        "max_latency_s": [3.0, 3.0, 3.0],
        "allowed": ["large", "small"],
        "weights": [1.0, 2.0, 1.0],
        "period_s": 60.0,
        "pool": routoo.Pool(
            tuple(
                routoo.PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=2, requests_per_minute=60)
                for name in ("large", "small")
            )
        ),
        "tags": [],
    }


def of_predict(world: World, draw: random.Random) -> object:
    more: dict[str, Any] = {"domains": ["math"] * 3, "attributes": {}, "prompt_ids": ["a", "b", "c"]}
    return world.router.predict(**given(draw, {"prompts": PROMPTS}, more)).to_polars()


def of_select(world: World, draw: random.Random) -> object:
    more: dict[str, Any] = {
        "max_cost_usd": 1.0,
        "max_latency_s": None,
        "models": list(world.router.pool.names),
        "tags": [],
        "price": 1.0,
        "domain": "math",
        "attributes": {},
        "confidence": 0.9,
        "pacer": routoo.Pacer(1.0, expected_prompts=3),
        "now_s": 1.0,
    }
    return world.router.select(**given(draw, {"prompt": PROMPTS[0]}, more))


def of_assign(world: World, draw: random.Random) -> object:
    prompts = draw.choice((PROMPTS, world.router.predict(PROMPTS)))
    more = {"attributes": None, "prompt_ids": None, "confidence": 0.9, "solver": "auto"}
    names = {"model_limits", "allowed", "pool", "latency_tail", "max_mean_latency_s", "max_latency_s"}
    further = {name: value for name, value in limits(world).items() if name not in names}
    return world.router.assign(**given(draw, {"prompts": prompts}, more | further)).to_polars()


def of_predictor(world: World, draw: random.Random) -> object:
    more: dict[str, Any] = {"domains": ["math"] * 3, "attributes": None}
    return world.predictor.predict(**given(draw, {"prompts": PROMPTS}, more))


def of_models(world: World, draw: random.Random) -> object:
    model = routoo.PoolModel(name="new", usd_per_1m_input=1, usd_per_1m_output=2)
    verb, arguments = draw.choice(
        (
            (world.predictor.add_model, {"model": model, "outcomes": world.outcomes}),
            (world.predictor.remove_model, {"name": world.pool.names[0]}),
            (world.predictor.with_prices, {"pool": world.predictor.pool}),
            (world.predictor.distill, {"outcomes": None}),
        )
    )
    return verb(**given(draw, arguments))


def of_estimators(world: World, draw: random.Random) -> object:
    made = draw.choice(
        (
            lambda: DomainTable(),
            lambda: SingleModelMeans(),
            lambda: NearestNeighbours(lambda texts: np.ones((len(texts), 2), np.float32), k=3),
        )
    )
    fitted = made().fit(world.outcomes, world.pool)
    return fitted.predict(**given(draw, {"prompts": PROMPTS}, {"domains": ["math"] * 3}))


def of_robustness(world: World, draw: random.Random) -> object:
    more = {"prices": [1.0], "seed": 1, "samples": 5, "earned": np.ones((3, len(world.router.pool)))}
    return robustness(world.router.predict, **given(draw, {"prompts": PROMPTS, "perturbations": {}}, more))


def of_outcomes(world: World, draw: random.Random) -> object:
    frames = {
        "prompts": odd_table(draw, world.outcomes.prompts),
        "outcomes": odd_table(draw, world.outcomes.outcomes),
    }
    kept = draw.choice(("prompts", "outcomes", "both"))
    if kept != "both":
        frames[kept] = getattr(world.outcomes, kept)
    return routoo.Outcomes(**frames, name=odd_value(draw) if draw.random() < 0.1 else "odd").to_matrices()


def of_recorded(world: World, draw: random.Random) -> object:
    unsplit = routoo.Outcomes(world.outcomes.prompts.drop("split"), world.outcomes.outcomes)
    outcomes = draw.choice((world.outcomes, unsplit))
    verb, arguments, more = draw.choice(
        (
            (outcomes.select, {"models": list(world.pool.names)}, {}),
            (outcomes.subset, {"prompt_ids": world.outcomes.prompt_ids[:3]}, {}),
            (unsplit.with_split, {"seed": 0}, {"val": 0.1, "test": 0.2, "keep": world.outcomes}),
            (outcomes.attributes, {"names": ["domain"]}, {}),
            (outcomes.to_matrices, {"models": list(world.pool.names)}, {}),
            (routoo.Outcomes.read, {"path": "nowhere"}, {"name": "odd"}),
            (outcomes.records, {"column": "cost_usd"}, {}),
        )
    )
    return verb(**given(draw, arguments, more))


def of_part(world: World, draw: random.Random) -> object:
    return world.outcomes.part(odd_value(draw))


def of_pool(world: World, draw: random.Random) -> object:
    model: dict[str, Any] = {"name": "a", "usd_per_1m_input": 1.0, "usd_per_1m_output": 2.0}
    further = {field.name: 1 for field in fields(routoo.PoolModel) if field.name not in (*model, "tags")} | {
        "tags": ["vision"]
    }
    doors: tuple[tuple[Callable[..., object], dict[str, Any], dict[str, Any]], ...] = (
        (routoo.PoolModel, model, further),
        (routoo.Pool, {"models": (routoo.PoolModel(**model),)}, {}),
        (routoo.Pool.from_records, {"rows": [given(draw, model, further)]}, {"source": "odd"}),
        (routoo.Pool.from_records, {"rows": [model]}, {"source": "odd"}),
        (routoo.Pool.read, {"path": "nowhere.toml"}, {"names": ["a"]}),
        (world.pool.select, {"names": world.pool.names[:1]}, {}),
        (world.pool.__getitem__, {"name": world.pool.names[0]}, {}),
    )
    verb, arguments, more = draw.choice(doors)
    return verb(**given(draw, arguments, more))


def of_scores(world: World, draw: random.Random) -> object:
    scores = world.scores()
    verb, arguments, more = draw.choice(
        (
            (
                routoo.Scores,
                {"p_correct": scores.p_correct, "cost_usd": scores.cost_usd, "models": scores.models},
                {
                    "latency_s": scores.latency_s,
                    "prompt_ids": ["a", "b", "c"],
                    "output_tokens": scores.output_tokens,
                    "input_tokens": scores.input_tokens,
                    "logit_std": scores.logit_std,
                },
            ),
            (scores.columns, {"models": ["large"]}, {}),
            (scores.interval, {"level": 0.9}, {}),
            (scores.cautious, {"confidence": 0.9}, {}),
        )
    )
    found = verb(**given(draw, arguments, more))
    return found.to_polars() if isinstance(found, routoo.Scores) else found


def of_problem(world: World, draw: random.Random) -> object:
    problem = routoo.Problem(**given(draw, {"scores": world.scores()}, limits(world)))
    plan = routoo.solve(problem, solver=draw.choice(("auto", "auto", "greedy", odd_value(draw))))
    return routoo.prices_in_words(plan)


def of_frontier(world: World, draw: random.Random) -> object:
    curve = routoo.frontier(**given(draw, {"problem": routoo.Problem(scores=world.scores())}, {"points": 5}))
    return curve.score_at(odd_value(draw)), curve.price_at(odd_value(draw)), curve.cost_of(odd_value(draw))


def of_limits(world: World, draw: random.Random) -> object:
    kind, arguments = draw.choice(
        (
            (routoo.ModelLimit, {"max_requests": 1, "max_tokens": 1, "budget_usd": 1, "max_concurrency": 1}),
            (routoo.DomainLimit, {"budget_usd": 1, "min_mean_score": 0.5}),
            (routoo.LatencyTail, {"above_s": 1, "max_share": 0.5}),
        )
    )
    return kind(**given(draw, arguments))


def of_select_scores(world: World, draw: random.Random) -> object:
    one = world.scores().rows(np.array([0]))
    more = {"price": 1.0, "max_cost_usd": 1.0, "max_latency_s": 3.0, "allowed": ["large"], "tags": None}
    return select(**given(draw, {"scores": one}, more))


def of_pacer(world: World, draw: random.Random) -> object:
    scores = world.scores()
    more = {"expected_prompts": 5, "calibration": scores, "half_life": 10.0}
    good = draw.random() < 0.6
    pacer = (
        routoo.Pacer(1.0, expected_prompts=5)
        if good
        else routoo.Pacer(**given(draw, {"budget_usd": 1.0}, more))
    )
    further = {
        "progress": 0.5,
        "worst_cost_usd": [0.05, 0.01],
        "max_cost_usd": 1.0,
        "max_latency_s": 3.0,
        "allowed": ["large"],
        "pool": limits(world)["pool"],
        "now_s": 1.0,
        "tags": None,
    }
    choice = pacer.select(**given(draw, {"scores": scores.rows(np.array([0]))}, further))
    pacer.settle(**given(draw, {"ticket": choice.ticket, "cost_usd": 0.01}))
    return pacer.to_dict()


def of_pacer_state(world: World, draw: random.Random) -> object:
    pacer = routoo.Pacer(1.0, expected_prompts=5, calibration=world.scores())
    pacer.select(world.scores().rows(np.array([0])))
    state = pacer.to_dict()
    return routoo.Pacer.from_dict(odd_value(draw) if draw.random() < 0.2 else given(draw, state)).to_dict()


def of_evaluate(world: World, draw: random.Random) -> object:
    tested = world.outcomes.part("test")
    means = SingleModelMeans().fit(world.outcomes, world.pool).predict(tested.texts)
    arguments = {"outcomes": world.outcomes, "predictions": {"means": means}, "pool": world.pool}
    more = {
        "part": "test",
        "router": "means",
        "reference": "means",
        "samples": 3,
        "seed": 1,
        "provenance": {"a": "b"},
        "simulated": True,
        "observed_domains": False,
    }
    chosen = {"samples": 2} | given(draw, arguments, more)
    return routoo.evaluate(**chosen)


def of_training(world: World, draw: random.Random) -> object:
    options = {field.name: getattr(TrainOptions(), field.name) for field in fields(TrainOptions)}
    if draw.random() < 0.8:
        return TrainOptions(**given(draw, {}, options))
    verb, more = draw.choice(((routoo.train, {"pool": world.pool}), (world.predictor.distill, {})))
    odd = draw.choice((odd_value(draw), *([{}] if verb is not routoo.train else [])))
    return verb(odd, **{name: odd_value(draw) for name in more})


def of_design(world: World, draw: random.Random) -> object:
    if draw.random() < 0.5:
        return routoo.lint_pool(**given(draw, {"pool": world.pool}, {"outcomes": world.outcomes}))
    arguments = {"outcomes": world.outcomes, "pool": world.pool, "samples": 3}
    more = {"models": 2, "spend_usd": 1.0, "price": 1.0, "seed": 1}
    return routoo.pick_pool(**given(draw, arguments, more))


def of_opening(world: World, draw: random.Random) -> object:
    where = world.router.runtime.bundle.folder
    return routoo.Router.from_pretrained(
        **given(draw, {"where": where}, {"pool": world.router.pool, "threads": 1, "int8": False})
    )


DOORS: tuple[Door, ...] = (
    of_predict,
    of_select,
    of_assign,
    of_predictor,
    of_models,
    of_estimators,
    of_robustness,
    of_outcomes,
    of_recorded,
    of_part,
    of_pool,
    of_scores,
    of_problem,
    of_problem,
    of_frontier,
    of_limits,
    of_select_scores,
    of_pacer,
    of_pacer_state,
    of_evaluate,
    of_training,
    of_design,
    of_opening,
)


def outcome(world: World, trial: str) -> tuple[str, str]:
    """Which door a trial calls, and how that ends: ``answer``, ``error of ours``, or another error."""
    draw = random.Random(trial)
    door = draw.choice(DOORS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            door(world, draw)
    except (routoo.RoutooError, OwnError):
        return door.__name__, "error of ours"
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic is none of Exception
        at = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in at if "/fuzz/" not in frame.filename][:1]
        last = next((f for f in reversed(at) if "site-packages" not in f.filename), at[-1])
        where = f"{Path((ours or at)[0].filename).name}, {Path(last.filename).name}:{last.lineno}"
        return door.__name__, f"{type(error).__name__} at {where}: {str(error)[:120]!r}"
    return door.__name__, "answer"


def main() -> int:
    """Runs the calls from the command line; 1 where one ended in another error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="fresh when not given")
    parser.add_argument("--only", type=int, help="the number of one call, which then raises")
    parser.add_argument("--predictor", type=Path)
    parser.add_argument("--bundle", type=Path)
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folders = chosen.predictor, chosen.bundle
        predictor, bundle = _made(Path(scratch)) if None in folders else folders
        world = World.of(routoo.Predictor.from_pretrained(predictor), bundle)
        if chosen.only is not None:
            draw = random.Random(f"{chosen.seed}/{chosen.only}")
            warnings.simplefilter("error")
            print(draw.choice(DOORS)(world, draw))
            return 0
        ends: Counter[str] = Counter()
        wrong: dict[tuple[str, str], int] = {}
        for at in range(chosen.calls):
            door, end = outcome(world, f"{chosen.seed}/{at}")
            ends[end if end in ("answer", "error of ours") else "another error"] += 1
            if end not in ("answer", "error of ours") and (door, end) not in wrong:
                wrong[door, end] = at
                print(f"call {at}, {door}: {end}", flush=True)
    said = ", ".join(f"{ends[end]:,} in {end}" for end in ("answer", "error of ours", "another error"))
    print(f"{chosen.calls:,} calls in {time.monotonic() - started:.0f} s: {said}")
    return 1 if wrong else 0


def _made(folder: Path) -> tuple[Path, Path]:
    """A tiny predictor, trained and exported."""
    outcomes = simulated_outcomes(60).with_split(val=0.2, test=0.2)
    predictor = routoo.train(
        outcomes, simulated_pool(), encoder="tiny", tune="full", epochs=1, progress=False
    )
    predictor.save_pretrained(folder / "predictor")
    predictor.export(folder / "bundle", int8=False)
    return folder / "predictor", folder / "bundle"


if __name__ == "__main__":
    sys.exit(main())
