"""How long a prediction takes: by prompt length and threads, in int8, float32 and torch, side by side.

    python benchmarks/latency.py                    # MiniLM with fresh heads over eight models
    python benchmarks/latency.py bundle/ --json     # a bundle of yours

A time is of one prompt from text to scores, tokenising included. The three are measured in turns, so that
what else the machine does hits them alike; their ratios hold better than their times.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from routoo.export.bundle import Bundle
from routoo.export.runtime import Runtime

LENGTHS = (32, 64, 128, 256)
BATCH = 256
SEED = 0
_ROUNDS = 3
_TORCH_BATCH_TOKENS = 1024
_WORDS = "the quick brown fox jumps over a lazy dog while we count how many red stones lie here"

Answer = Callable[[Sequence[str]], object]

_START = """
def memory_mib():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    except OSError:
        return float("nan")

import json, sys, time
started = time.perf_counter()
import routoo
face = time.perf_counter()
from routoo.export.bundle import Bundle
from routoo.export.runtime import Runtime
imported = time.perf_counter()
runtime = Runtime(Bundle.open(sys.argv[1]))
loaded = time.perf_counter()
runtime.predict(["a first prompt"])
done = time.perf_counter()
print(json.dumps([face - started, imported - face, loaded - imported, done - loaded, memory_mib()]))
"""


@dataclass(frozen=True)
class Timing:
    """Milliseconds for one prompt of so many tokens."""

    runtime: str
    threads: int
    tokens: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class Throughput:
    """Prompts a second in a batch of mixed lengths."""

    runtime: str
    threads: int
    prompts_per_s: float


@dataclass(frozen=True)
class Start:
    """What a process pays before its second prediction: seconds, and its memory at most in MiB (on Linux)."""

    import_routoo_s: float
    import_runtime_s: float
    load_bundle_s: float
    first_prediction_s: float
    memory_mib: float


def main(
    bundle: Annotated[Path | None, typer.Argument(help="A bundle; else MiniLM with fresh heads.")] = None,
    threads: Annotated[list[int], typer.Option(help="Threads; may be given again.")] = [1, 2],  # noqa: B006  typer reads it and never changes it
    repeats: Annotated[int, typer.Option(min=3, help="Predictions a time is taken over.")] = 60,
    batch: Annotated[int, typer.Option(min=1, help="Prompts of the batch.")] = BATCH,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measures prediction latency, throughput, and the cost of starting."""
    with tempfile.TemporaryDirectory() as folder:
        used = Bundle.read(bundle or _fresh_bundle(Path(folder)))
        report = _Report([], [], _start(used))
        for count in threads:
            answers = _answers(used, count)
            report.timings.extend(_timings(answers, used, count, repeats))
            report.throughputs.extend(_throughputs(answers, used, count, batch))
    report.print(as_json=as_json)


def text_of(bundle: Bundle, tokens: int, *, seed: int = SEED) -> str:
    """A text that the bundle's tokenizer makes at most so many tokens of, and as near as words allow."""
    tokenizer = Runtime(bundle).tokenizer
    choose, words = random.Random(seed).choice, _WORDS.split()
    text = choose(words)
    while len(tokenizer.backend.encode(longer := f"{text} {choose(words)}").ids) <= tokens:
        text = longer
    return text


def _answers(bundle: Bundle, threads: int) -> dict[str, Answer]:
    """The three ways to predict."""
    import torch

    from routoo.export.writer import read_trained, torch_graph

    torch.set_num_threads(threads)
    trained = read_trained(bundle)
    network = torch_graph(trained.network)

    def by_torch(prompts: Sequence[str]) -> None:
        encoded = trained.tokenizer.encode(prompts)
        for rows in encoded.batches(_TORCH_BATCH_TOKENS):
            network(*encoded.batch(rows))

    runtimes = {"int8": True, "fp32": False} if bundle.has_int8 else {"fp32": False}
    graphs = {name: Runtime(bundle, threads=threads, int8=int8).predict for name, int8 in runtimes.items()}
    return {**graphs, "torch": by_torch}


def _timings(answers: dict[str, Answer], bundle: Bundle, threads: int, repeats: int) -> Iterable[Timing]:
    longest = bundle.description.policy.max_tokens
    for tokens in (length for length in LENGTHS if length <= longest):
        prompt = text_of(bundle, tokens)
        seconds: dict[str, list[float]] = {name: [] for name in answers}
        for _ in range(_ROUNDS):
            for name, answer in answers.items():
                answer([prompt])
                seconds[name] += [_seconds(answer, [prompt]) for _ in range(repeats // _ROUNDS)]
        for name, taken in seconds.items():
            p50, p95 = np.percentile(taken, [50, 95]) * 1e3
            yield Timing(name, threads, tokens, round(float(p50), 3), round(float(p95), 3))


def _throughputs(
    answers: dict[str, Answer], bundle: Bundle, threads: int, batch: int
) -> Iterable[Throughput]:
    lengths = random.Random(SEED)
    longest = min(max(LENGTHS), bundle.description.policy.max_tokens)
    texts = [text_of(bundle, tokens) for tokens in range(8, longest + 1, 8)]
    prompts = [lengths.choice(texts) for _ in range(batch)]
    for name, answer in answers.items():
        answer(prompts[:4])
        yield Throughput(name, threads, round(batch / _seconds(answer, prompts), 1))


def _seconds(answer: Answer, prompts: Sequence[str]) -> float:
    started = time.perf_counter()
    answer(prompts)
    return time.perf_counter() - started


def _start(bundle: Bundle) -> Start:
    """The fastest of three fresh processes."""
    command = [sys.executable, "-c", _START, str(bundle.folder)]
    runs = [json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout) for _ in range(3)]
    return Start(*(round(float(least), 3) for least in np.min(runs, axis=0)))


def _fresh_bundle(folder: Path) -> Path:
    """A bundle of MiniLM with heads that were never trained: as fast as one that was."""
    import torch

    from routoo.data.pool import Pool, PoolModel
    from routoo.data.text import PromptTokenizer, TextPolicy
    from routoo.export.writer import write_bundle
    from routoo.models.encoder.encoder import MINILM, encoder_config, load_encoder
    from routoo.models.encoder.features import default_layers
    from routoo.models.evidence.evidence import EvidenceConfig
    from routoo.models.evidence.kernel import MOST_CENTRES
    from routoo.models.network.heads import HeadConfig
    from routoo.models.network.network import NetworkConfig, RouterNetwork
    from routoo.models.training.trained_network import TrainedNetwork

    pool = Pool(
        tuple(PoolModel(name=f"m{at}", usd_per_1m_input=at, usd_per_1m_output=4 * at) for at in range(1, 9))
    )
    torch.manual_seed(SEED)
    encoder = load_encoder(MINILM)
    layers = default_layers(encoder.n_layers)
    heads = HeadConfig(n_features=encoder.width * len(layers) + 1, n_models=len(pool), n_domains=8)
    evidence = EvidenceConfig(
        n_features=heads.n_features,
        skipped=encoder.width,
        n_centres=MOST_CENTRES,
        n_heads=len(pool),
        inferred=heads.inferred,
        n_models=len(pool),
        output_tokens=True,
    )
    network = RouterNetwork(
        encoder.model, NetworkConfig(encoder_config(encoder), layers, heads, evidence)
    ).eval()
    trained = TrainedNetwork(
        network,
        PromptTokenizer(encoder.tokenizer, TextPolicy(max(LENGTHS))),
        pool,
        np.ones(len(pool), np.float32),
        {"data": "none: fresh heads", "encoder": encoder.origin, "seed": SEED},
        {},
    )
    write_bundle(trained, folder / "bundle")
    return folder / "bundle"


@dataclass(frozen=True)
class _Report:
    timings: list[Timing]
    throughputs: list[Throughput]
    start: Start

    def print(self, *, as_json: bool) -> None:
        if as_json:
            print(json.dumps({"machine": _machine(), **dataclasses.asdict(self)}, indent=2))
            return
        console = Console()
        console.print(_machine())
        console.print(self._timing_table())
        console.print(self._throughput_table())
        start = self.start
        console.print(
            f"start: import routoo {start.import_routoo_s:.3f} s, runtime {start.import_runtime_s:.3f} s, "
            f"bundle {start.load_bundle_s:.3f} s, first prediction {start.first_prediction_s:.3f} s; "
            f"{start.memory_mib:.0f} MiB"
        )

    def _timing_table(self) -> Table:
        names = list(dict.fromkeys(timing.runtime for timing in self.timings))
        table = Table(title="one prompt, ms p50 / p95 (times int8)")
        for column in ("threads", "tokens", *names):
            table.add_column(column, justify="right")
        for threads, tokens in dict.fromkeys((t.threads, t.tokens) for t in self.timings):
            row = {t.runtime: t for t in self.timings if (t.threads, t.tokens) == (threads, tokens)}
            least = row[names[0]].p50_ms
            cells = [f"{t.p50_ms:.2f} / {t.p95_ms:.2f} ({t.p50_ms / least:.1f}x)" for t in row.values()]
            table.add_row(str(threads), str(tokens), *cells)
        return table

    def _throughput_table(self) -> Table:
        table = Table(title="a batch of mixed lengths, prompts a second")
        names = list(dict.fromkeys(throughput.runtime for throughput in self.throughputs))
        for column in ("threads", *names):
            table.add_column(column, justify="right")
        for threads in dict.fromkeys(throughput.threads for throughput in self.throughputs):
            row = [t for t in self.throughputs if t.threads == threads]
            table.add_row(str(threads), *(f"{t.prompts_per_s:.1f}" for t in row))
        return table


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, seed {SEED}"


if __name__ == "__main__":
    typer.run(main)
