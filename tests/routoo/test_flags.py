"""Every flag of every command is honoured or refused; one that is not shown here to be either fails."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from simulated.outcomes import simulated_outcomes, simulated_pool
from typer.testing import CliRunner

from routoo.cli import app
from routoo.commands import terminal
from routoo.data.pool import Pool
from routoo.models.encoder.encoder import load_encoder

MODES = {"assign": ("assign bundle", "assign predictions.parquet")}
"""Commands that work in several ways, by how they begin: each flag is shown in each of them."""

SMALL = "--epochs 1 --members 2 --width 8 --max-tokens 32"
TINY = f"train data -o out --encoder tiny --tune full {SMALL}"
FROZEN = f"train data -o out --encoder encoder {SMALL}"
LAST = f"train data -o out --encoder encoder --tune last --tuned-layers 1 {SMALL}"
QUICK = "--samples 0 --robustness 0"
EVALUATE = f"evaluate bundle data {QUICK} --json"
SELECT = "select bundle 'What is 2 + 2?'"
ROUTED = "assign bundle prompts.txt --max-mean-latency-s 99 --json"
STREAMED = "assign predictions.parquet -o out.parquet --max-mean-latency-s 99 --json"
CONTRACT = "contract bundle data --share 0.1 --confidence 0.3"
PICK = "pool pick data --pool pool.toml"
ADD = "model add predictor scored.csv --model new --pool new.toml -o out"

CHANGES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "train --output": ((TINY, "-o other"),),
    "train --pool": ((TINY, "--pool few.toml"),),
    "train --attribute": ((TINY, "--attribute tenant"),),
    "train --resume": ((TINY, "--resume"),),
    "train --encoder": ((TINY, "--encoder encoder"),),
    "train --tune": ((FROZEN, "--tune full"),),
    "train --tuned-layers": ((LAST, "--tuned-layers 2"),),
    "train --width": ((TINY, "--width 12"),),
    "train --members": ((TINY, "--members 3"),),
    "train --dropout": ((TINY, "--dropout 0.1"),),
    "train --max-tokens": ((TINY, "--max-tokens 8"),),
    "train --epochs": ((f"{TINY} --batch-size 1 --epochs 4", "--epochs 5"),),
    "train --batch-size": ((TINY, "--batch-size 8"),),
    "train --learning-rate": ((TINY, "--learning-rate 0.1"),),
    "train --encoder-learning-rate": ((TINY, "--encoder-learning-rate 0.01"),),
    "train --layer-decay": ((TINY, "--layer-decay 0.1"),),
    "train --weight-decay": ((TINY, "--weight-decay 0.5"),),
    "train --attribute-weight": ((f"{TINY} --batch-size 8", "--attribute-weight 2"),),
    "train --seed": ((TINY, "--seed 1"),),
    "train --cache-dir": ((FROZEN, "--cache-dir cache"),),
    "distill --output": (("distill predictor data -o out", "-o other"),),
    "distill --seed": (("distill predictor data -o out", "--seed 1"),),
    "export --int8": (("export predictor -o out --no-int8", "--int8"),),
    "evaluate --part": ((EVALUATE, "--part val"),),
    "evaluate --output": ((EVALUATE, "-o out.html"),),
    "evaluate --predictions": ((EVALUATE, "--predictions out.csv"),),
    "evaluate --observed-domains": ((EVALUATE, "--observed-domains"),),
    "evaluate --observed-attributes": ((EVALUATE, "--observed-attributes"),),
    "evaluate --pool": ((EVALUATE, "--pool stated.toml"),),
    "evaluate --seed": (("evaluate bundle data --samples 9 --robustness 0 --json", "--seed 1"),),
    "evaluate --samples": ((EVALUATE, "--samples 9"),),
    "evaluate --robustness": ((EVALUATE, "--robustness 4"),),
    "evaluate --max-calls": ((EVALUATE, "--max-calls 1"),),
    "contract --share": ((CONTRACT, "--share 0.2"),),
    "contract --confidence": ((CONTRACT, "--confidence 0.2"),),
    "contract --reference": ((CONTRACT, "--reference simulated-tiny"),),
    "contract --cascade": ((f"{CONTRACT} --json", "--cascade"),),
    "contract --max-calls": ((f"{CONTRACT} --cascade --json", "--max-calls 2"),),
    "contract --spend-usd": ((CONTRACT, "--spend-usd 5 --prompt-usd 9"),),
    "contract --prompt-usd": ((f"{CONTRACT} --spend-usd 5 --prompt-usd 9 --json", "--prompt-usd 8"),),
    "contract --output": ((CONTRACT, "-o out.json"),),
    "contract --seed": ((f"{CONTRACT} --json", "--seed 1"),),
    "contract --pool": ((f"{CONTRACT} --reference simulated-tiny --json", "--pool few.toml"),),
    "predict --output": (("predict bundle prompts.txt", "-o out.csv"),),
    "predict --pool": (("predict bundle prompts.txt", "--pool stated.toml"),),
    "select --max-cost-usd": ((SELECT, "--max-cost-usd 1e-9"),),
    "select --max-latency-s": ((SELECT, "--max-latency-s 1e-9"),),
    "select --models": ((SELECT, "--models simulated-coder"),),
    "select --tag": ((f"{SELECT} --pool stated.toml", "--tag tools"),),
    "select --price": ((SELECT, "--price 1e6"),),
    "select --domain": ((f"{SELECT} --models simulated-coder", "--domain code"),),
    "select --attribute": ((f"{SELECT} --models simulated-coder", "--attribute tenant=east"),),
    "select --confidence": ((SELECT, "--confidence 0.9"),),
    "select --contract": ((SELECT, "--contract contract.json"),),
    "select --pool": ((SELECT, "--pool stated.toml"),),
    "assign --budget-usd": ((ROUTED, "--budget-usd 1e-9"), (STREAMED, "--budget-usd 1e-9")),
    "assign --max-mean-latency-s": (
        (ROUTED, "--max-mean-latency-s 1e-9"),
        (STREAMED, "--max-mean-latency-s 1e-9"),
    ),
    "assign --max-requests": (
        (f"{ROUTED} --pool two.toml", "--max-requests simulated-tiny=1 --max-requests simulated-small=1"),
        (f"{STREAMED} --pool two.toml", "--max-requests simulated-tiny=1 --max-requests simulated-small=1"),
    ),
    "assign --period-s": (
        (f"{ROUTED} --pool stated.toml", "--period-s 20"),
        (f"{STREAMED} --pool stated.toml", "--period-s 20"),
    ),
    "assign --tag": (
        (f"{ROUTED} --pool stated.toml", "--tag tools"),
        (f"{STREAMED} --pool stated.toml", "--tag tools"),
    ),
    "assign --confidence": ((ROUTED, "--confidence 0.9"),),
    "assign --budget-confidence": ((f"{ROUTED} --budget-usd 9", "--budget-confidence 0.9"),),
    "assign --frontier": (("assign bundle prompts.txt --budget-usd 9", "--frontier out.csv"),),
    "assign --solver": ((f"{ROUTED} --budget-usd 9", "--solver exact"),),
    "assign --output": ((ROUTED, "-o out.csv"), (STREAMED, "-o other.parquet")),
    "assign --pool": ((ROUTED, "--pool stated.toml"), (STREAMED, "--pool stated.toml")),
    "export --output": (("export predictor -o out --no-int8", "-o other"),),
    "data convert --output": (("data convert data -o out", "-o other"),),
    "data split --output": (("data split data -o out --again", "-o other"),),
    "data sample --output": (("data sample -o out --prompts 20", "-o other"),),
    "data split --seed": (("data split data -o out --again", "--seed 1"),),
    "data split --val": (("data split data -o out --again", "--val 0.2"),),
    "data split --test": (("data split data -o out --again", "--test 0.2"),),
    "data split --again": (("data split data -o out", "--again"),),
    "data split --keep": (("data split data -o out --again --test 0.5", "--keep data"),),
    "data sample --prompts": (("data sample -o out --prompts 20", "--prompts 30"),),
    "data sample --seed": (("data sample -o out --prompts 20", "--seed 1"),),
    "pool derive --output": (("pool derive data", "-o out.toml"),),
    "pool derive --prices": (("pool derive data", "--prices stated.toml"),),
    "pool derive --only": (("pool derive data", "--only '*tiny'"),),
    "pool derive --exclude": (("pool derive data", "--exclude '*tiny'"),),
    "pool batch --output": (("pool batch tiers.toml", "-o out.toml"),),
    "pool batch --window-s": (("pool batch tiers.toml", "--window-s 3600"),),
    "pool pick --models": ((PICK, "-k 1"),),
    "pool pick --spend-usd": ((PICK, "--spend-usd 0.001"),),
    "pool pick --price": ((PICK, "--price 1000"),),
    "pool pick --pool": ((PICK, "--pool two.toml"),),
    "pool pick --output": ((PICK, "-o out.toml"),),
    "pool pick --seed": ((f"{PICK} --json", "--seed 7"),),
    "pool lint --strict": (("pool lint stated.toml data", "--strict"),),
    "model add --model": ((ADD, "--model other"),),
    "model add --pool": ((ADD, "--pool dear.toml"),),
    "model add --output": ((ADD, "-o other"),),
    "model remove --model": (
        ("model remove predictor --model simulated-tiny -o out", "--model simulated-coder"),
    ),
    "model remove --output": (("model remove predictor --model simulated-tiny -o out", "-o other"),),
    "model price --pool": (("model price predictor --pool pool.toml -o out", "--pool stated.toml"),),
    "model price --output": (("model price predictor --pool pool.toml -o out", "-o other"),),
}
"""By flag: commands, and what to add to each, which changes something that a user sees."""

REFUSALS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "train --accelerator": ((f"{TINY} --accelerator nowhere", "accelerator 'nowhere' cannot be used"),),
    "train --threads": ((f"{TINY} --threads 0", "threads must be a whole number of at least 1"),),
    "train --tuned-layers": ((f"{TINY} --tuned-layers 1", "tuned_layers=1 does nothing here"),),
    "train --encoder-learning-rate": (
        (f"{FROZEN} --encoder-learning-rate 0.01", "encoder_learning_rate=0.01 does nothing here"),
    ),
    "train --layer-decay": ((f"{FROZEN} --layer-decay 0.1", "layer_decay=0.1 does nothing here"),),
    "evaluate --encoder": ((f"{EVALUATE} --encoder nowhere", "encoder 'nowhere' was not found"),),
    "evaluate --threads": ((f"{EVALUATE} --threads 0", "threads must be a whole number of at least 1"),),
    "contract --human": ((f"{CONTRACT} --human people", "has no column 'people' of human scores"),),
    "contract --max-calls": ((f"{CONTRACT} --max-calls 2", "max_calls is of cascades"),),
    "contract --prompt-usd": ((f"{CONTRACT} --prompt-usd 2", "prompt_usd is of a promise on spend"),),
    "contract --threads": ((f"{CONTRACT} --threads 0", "threads must be a whole number of at least 1"),),
    "select --contract": ((f"{SELECT} --contract none.json", "none.json: no contract there"),),
    "predict --threads": (
        ("predict bundle prompts.txt --threads 0", "threads must be a whole number of at least 1"),
    ),
    "assign --threads": (
        (f"{ROUTED} --threads 0", "threads must be a whole number of at least 1"),
        (f"{STREAMED} --threads 2", "no --threads"),
        (f"{STREAMED} --threads 0", "no --threads"),
    ),
    "assign --frontier": (
        (f"{ROUTED} --frontier out.csv", "leave out max_mean_latency_s"),
        (f"{STREAMED} --frontier out.csv", "no --frontier"),
    ),
    "assign --contract": (
        (f"{ROUTED} --contract contract.json", "leave out --max-mean-latency-s, or the contract"),
        (f"{STREAMED} --contract contract.json", "no --contract"),
    ),
    "assign --confidence": ((f"{STREAMED} --confidence 0.9", "no --confidence"),),
    "assign --budget-confidence": (
        (f"{ROUTED} --budget-confidence 0.9", "give --budget-usd too"),
        (f"{STREAMED} --budget-usd 9 --budget-confidence 0.9", "no --budget-confidence"),
    ),
    "assign --solver": ((f"{STREAMED} --solver exact", "solver dual"),),
    "assign --columns": (
        (f"{STREAMED} --columns prompt=question", "--columns and --separator are of PROMPTS"),
    ),
    "assign --separator": ((f"{STREAMED} --separator @", "--columns and --separator are of PROMPTS"),),
    "assign --pool": (
        (f"{ROUTED} --pool none.toml", "none.toml: no such file"),
        (f"{STREAMED} --pool none.toml", "none.toml: no such file"),
    ),
}
"""By flag: commands that refuse it, and the words that say why."""

JSON = {
    "train": TINY,
    "distill": "distill predictor data -o out",
    "export": "export predictor -o out --no-int8",
    "evaluate": f"evaluate bundle data {QUICK}",
    "contract": CONTRACT,
    "predict": "predict bundle prompts.txt",
    "select": SELECT,
    "assign": ROUTED.removesuffix(" --json"),
    "assign (streamed)": STREAMED.removesuffix(" --json"),
    "data inspect": "data inspect data",
    "data convert": "data convert data -o out",
    "data split": "data split data -o out --again",
    "data sample": "data sample -o out --prompts 20",
    "pool derive": "pool derive data",
    "pool show": "pool show pool.toml",
    "pool batch": "pool batch tiers.toml",
    "pool pick": PICK,
    "pool lint": "pool lint stated.toml data",
    "model add": ADD,
    "model remove": "model remove predictor --model simulated-tiny -o out",
    "model price": "model price predictor --pool pool.toml -o out",
}
"""By command: what --json is added to."""

QUIET = {
    **{
        name: JSON[name]
        for name in ("train", "distill", "export", "evaluate", "contract", "predict", "select", "assign")
    },
    "pool pick": "pool pick data --pool more.toml",
    "assign (streamed)": STREAMED,
    "model add": ADD,
}
"""By command: what --quiet is added to, where somebody watches."""

OUTCOMES = {
    "train": f"train {{}} -o out --pool pool.toml --encoder tiny --tune full {SMALL}",
    "distill": "distill predictor {} -o out",
    "evaluate": f"evaluate bundle {{}} {QUICK} --json",
    "contract": "contract bundle {} --share 0.1 --confidence 0.3 --json",
    "data inspect": "data inspect {}",
    "data convert": "data convert {} -o out",
    "data split": "data split {} -o out --again",
    "pool derive": "pool derive {} --prices pool.toml --only 'simulated-*'",
    "pool pick": "pool pick {} --pool pool.toml",
    "pool lint": "pool lint pool.toml {}",
    "model add": "model add predictor {} --model new --pool new.toml -o out",
}
"""By command: how it reads a file of outcomes."""

PROMPTS = {
    "predict": "predict bundle {}",
    "assign": "assign bundle {} --max-mean-latency-s 99 --json",
}
"""By command: how it reads a file of prompts."""

EVERY = ",".join((*simulated_pool().names, "new"))
FILES = {
    "--columns": ("named.csv", "--columns prompt=question"),
    "--separator": ("plain.csv", "--separator bar"),
    "--score-columns": ("wide.csv", f"--score-columns {EVERY}"),
    "--average": ("twice.csv", "--average"),
}
"""By flag: a file that cannot be read without it, or with it, and what to add."""

ELSEWHERE = {
    **{
        f"demo {flag}": "test_cli_demo.py"
        for flag in ("--prompts", "--encoder", "--seed", "--json", "--quiet")
    },
    **{
        f"answer {flag}": "test_cli_answer.py"
        for flag in (
            *("--budget-usd", "--max-cost-usd", "--max-latency-s", "--models", "--tag", "--price"),
            *("--confidence", "--pool", "--answers", "--output", "--json", "--quiet"),
        )
    },
    "answer --contract": "test_cli_contract.py",
    **{
        f"{verb} {flag}": "test_cli_streamed.py" if flag == "--address" else "ray/test_cluster.py"
        for verb in ("predict", "assign")
        for flag in ("--engine", "--address")
    },
    **{f"answer {flag}": "test_cli_cascade.py" for flag in ("--cascade", "--max-calls")},
    **{
        f"collect {flag}": "test_cli_collect.py"
        for flag in (
            *("--pool", "--budget-usd", "--output", "--grader", "--samples", "--sample", "--signal"),
            *("--seed", "--json", "--quiet", "--columns", "--separator"),
        )
    },
    **{
        f"smart {flag}": "test_cli_smart.py"
        for flag in (
            *(
                "--pool",
                "--reference",
                "--output",
                "--delta",
                "--confidence",
                "--candidates",
                "--equivalence",
            ),
            *(
                "--bundle",
                "--cascade",
                "--budget-usd",
                "--method",
                "--seed",
                "--answers",
                "--json",
                "--quiet",
            ),
        )
    },
    **{
        f"batch {flag}": "batch/test_batch.py"
        for flag in (
            *("write --pool", "write --output", "write --period-s", "write --columns", "write --separator"),
            *("write --json", "submit --found", "submit --again", "submit --json", "submit --quiet"),
            *(
                "status --json",
                "collect --bundle",
                "collect --budget-usd",
                "collect --grader",
                "collect --json",
            ),
        )
    },
    "verify --json": "test_cli_smart.py",
    **{
        f"lab {flag}": "test_cli_lab.py"
        for flag in (
            *("fetch --source", "fetch --quiet", "prompts --output", "prompts --prompts", "prompts --seed"),
            *("specialists --quiet", "record --output", "record --member", "record --prompts"),
            *("record --seed", "record --quiet", "dialogues --output", "dialogues --member"),
            *("dialogues --dialogues", "dialogues --quiet"),
        )
    },
    **{
        f"sater train {flag}": "test_cli_sater.py"
        for flag in (
            *("--pool", "--member", "--output", "--grader", "--samples", "--temperature", "--pairs"),
            *("--lessons", "--seed", "--quiet", "--columns", "--separator"),
        )
    },
}
"""Flags shown in another file of tests: the command does too much to be run for each, or calls somebody."""

ABOUT_TRAINING = ("router.json", "README.md")
"""What a predictor says of its options beside the weights, where every option makes a difference."""


def flags() -> Iterator[tuple[str, str]]:
    """Every command with each of its flags, by its long name."""

    def walk(
        command: Any, words: tuple[str, ...]
    ) -> Iterator[tuple[str, str]]:  # Any: typer exports no types
        for name, below in getattr(command, "commands", {}).items():
            yield from walk(below, (*words, name))
        if not hasattr(command, "commands"):
            for parameter in command.params:
                if parameter.param_type_name == "option":
                    yield " ".join(words), max(parameter.opts, key=len)

    return walk(typer.main.get_command(app), ())


def test_every_flag_of_every_command_is_shown() -> None:
    lacking = []
    for command, flag in flags():
        name = f"{command} {flag}"
        generic = {"--json": JSON, "--quiet": QUIET}.get(flag, OUTCOMES | PROMPTS if flag in FILES else None)
        shown = [line for table in (CHANGES, REFUSALS) for line, _ in table.get(name, ())]
        modes = MODES.get(command, (command,))
        if generic is not None:
            missing = [] if command in generic else [command]
        else:
            missing = [mode for mode in modes if not any(line.startswith(mode) for line in shown)]
        if name not in ELSEWHERE:
            lacking += [f"{mode} {flag}" for mode in missing]
    assert not lacking, "honoured or refused? Show it in CHANGES or REFUSALS"
    known = {f"{command} {flag}" for command, flag in flags()}
    assert {*CHANGES, *REFUSALS, *ELSEWHERE} <= known
    for name, file in ELSEWHERE.items():
        assert re.search(_spelled(name.split()[-1]), (Path(__file__).parent / file).read_text())


def _spelled(flag: str) -> str:
    """A flag as tests write it."""
    return {"--quiet": '"-q"', "--output": '"-o"'}.get(flag, f'"{flag}"')


@dataclass(frozen=True)
class Seen:
    """What a user sees of a command: its exit code, what it says, and the files that it writes."""

    code: int
    said: str
    remarked: str
    files: Mapping[str, str]


class Place:
    """A folder with everything that the commands above name; each runs in a fresh one."""

    def __init__(self, origin: Path, scratch: Path) -> None:
        self.origin, self.scratch = origin, scratch
        self._runs = 0

    def run(self, line: str, monkeypatch: pytest.MonkeyPatch) -> Seen:
        self._runs += 1
        folder = self.scratch / f"{self._runs:04d}"
        folder.mkdir()
        for entry in self.origin.iterdir():
            (folder / entry.name).symlink_to(entry)
        monkeypatch.chdir(folder)
        result = CliRunner().invoke(app, shlex.split(line), catch_exceptions=False)
        files = {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for entry in sorted(folder.iterdir())
            if not entry.is_symlink()
            for path in (sorted(entry.rglob("*")) if entry.is_dir() else [entry])
            if path.is_file() and not (line.startswith(("train", "distill")) and path.name in ABOUT_TRAINING)
        }
        said = "" if line.startswith(("train", "distill")) else result.stdout
        return Seen(result.exit_code, said, result.stderr, files)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("place")
    outcomes = simulated_outcomes(50).with_split(val=0.2, test=0.2)
    tenants = pl.Series("tenant", ["east", "west"] * (len(outcomes) // 2))
    domains = pl.Series("domain", ["code", "text"] * (len(outcomes) // 2))
    outcomes = replace(outcomes, prompts=outcomes.prompts.with_columns(tenants.reverse(), domains))
    said = pl.when(pl.col("score") > 0.5).then(pl.lit("right")).otherwise(pl.lit("wrong"))
    replace(outcomes, outcomes=outcomes.outcomes.with_columns(response=said)).write(folder / "data")
    (folder / "prompts.txt").write_text("What is 2 + 2?\n\n" + "\n".join(outcomes.texts[:11]) + "\n")
    outcomes.prompts.select("prompt_id", "prompt").write_ndjson(folder / "prompts.jsonl")
    scored = outcomes.part("train").subset(outcomes.part("train").prompt_ids[:24])
    for_new = scored.outcomes.filter(model="simulated-coder")
    new = pl.concat([for_new.with_columns(model=pl.lit(name)) for name in ("new", "other")])
    scored.prompts.join(new, on="prompt_id").drop("split").write_csv(folder / "scored.csv")
    pools(folder)
    odd_files(folder, outcomes.prompts, pl.concat([outcomes.outcomes, new.filter(model="new")]))
    encoder = load_encoder("tiny", texts=outcomes.texts)
    encoder.model.save_pretrained(folder / "encoder")
    encoder.tokenizer.save(str(folder / "encoder" / "tokenizer.json"))
    started = Place(folder, tmp_path_factory.mktemp("runs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.chdir(folder)
        for line in (
            f"train data -o predictor --attribute tenant --pool pool.toml --encoder encoder {SMALL}",
            "export predictor -o bundle",
            "predict bundle prompts.txt -o predictions.parquet",
            f"{CONTRACT} -o contract.json",
        ):
            result = CliRunner().invoke(app, shlex.split(line), catch_exceptions=False)
            assert result.exit_code == 0, result.output
    return started


def pools(folder: Path) -> None:
    """The pools that the commands name."""
    pool = simulated_pool()
    first, *others = (replace(model, usd_per_1m_input=50.0, usd_per_1m_output=70.0) for model in pool.models)
    pool.write(folder / "pool.toml")
    pool.select(pool.names[:2]).write(folder / "two.toml")
    pool.select(pool.names[:4]).write(folder / "few.toml")
    stated = [replace(model, requests_per_minute=9) for model in others]
    Pool((replace(first, tags=("tools",)), *stated)).write(folder / "stated.toml")
    Pool((*pool.models, replace(first, name="ghost"))).write(folder / "more.toml")
    batched = replace(first, usd_per_1m_batch_input=25.0, usd_per_1m_batch_output=35.0)
    Pool((batched,)).write(folder / "tiers.toml")
    for file, model in (("new.toml", pool.models[0]), ("dear.toml", first)):
        Pool(tuple(replace(model, name=name) for name in ("new", "other"))).write(folder / file)


def odd_files(folder: Path, prompts: pl.DataFrame, outcomes: pl.DataFrame) -> None:
    """Files of outcomes, and of prompts, for the flags that say how files are read."""
    tidy = prompts.join(outcomes, on="prompt_id")
    pl.concat([tidy, tidy]).write_csv(folder / "twice.csv")
    tidy.pivot("model", index=prompts.columns, values="score").write_csv(folder / "wide.csv")
    for frame, start in ((tidy, ""), (prompts, "asked-")):
        frame.rename({"prompt": "question"}).write_csv(folder / f"{start}named.csv")
        frame.write_csv(folder / f"{start}plain.csv")


@pytest.fixture(scope="module")
def before(place: Place) -> dict[str, Seen]:
    """What is seen of commands without the flag, each run once."""
    return {}


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("flag", "line", "added"), [(flag, *way) for flag, ways in CHANGES.items() for way in ways]
)
def test_a_flag_makes_a_difference(
    flag: str,
    line: str,
    added: str,
    place: Place,
    before: dict[str, Seen],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if line not in before:
        before[line] = place.run(line, monkeypatch)
        assert place.run(line, monkeypatch) == before[line], "what changes by itself shows nothing"
    after = place.run(f"{line} {added}", monkeypatch)
    assert after != before[line]
    assert "No such option" not in after.remarked


@pytest.mark.parametrize(
    ("flag", "line", "words"), [(flag, *way) for flag, ways in REFUSALS.items() for way in ways]
)
def test_a_flag_is_refused_in_words(
    flag: str, line: str, words: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = place.run(line, monkeypatch)
    assert seen.code == 2
    assert words in seen.remarked
    assert not seen.files


@pytest.mark.parametrize(
    ("command", "flag"), [pair for pair in flags() if pair[0] in OUTCOMES | PROMPTS and pair[1] in FILES]
)
def test_a_file_is_read_as_the_flag_says(
    command: str, flag: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, added = FILES[flag]
    line = OUTCOMES[command].format(file) if command in OUTCOMES else PROMPTS[command].format(f"asked-{file}")
    without, told = (place.run(words, monkeypatch) for words in (line, f"{line} {added}"))
    assert (without.code, told.code) in ((2, 0), (0, 2)), (without.remarked, told.remarked)


@pytest.mark.parametrize("command", JSON)
def test_json_is_one_document(command: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, asked = (place.run(f"{JSON[command]}{flag}", monkeypatch) for flag in ("", " --json"))
    assert asked.code == 0
    if not command.startswith(("train", "distill")):
        assert isinstance(json.loads(asked.said), dict)
        assert plain.said != asked.said


@pytest.mark.parametrize("command", QUIET)
def test_quiet_is_quiet(command: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "is_watched", lambda *, quiet=False: not quiet)
    loud, quiet = (place.run(f"{QUIET[command]}{flag}", monkeypatch) for flag in ("", " --quiet"))
    assert quiet.remarked == ""
    assert loud.remarked != ""
    assert (loud.code, loud.files) == (quiet.code, quiet.files)
