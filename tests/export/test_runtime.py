from __future__ import annotations

import dataclasses
import json
import multiprocessing
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from routoo.data.batch_tiers import with_batch_tiers
from routoo.data.errors import BundleError, InputError
from routoo.data.pool import NOMINAL_OUTPUT_TOKENS, Pool, PoolModel
from routoo.data.scores import Scores
from routoo.export.bundle import Bundle, write_files
from routoo.export.layout import LAYOUT
from routoo.export.runtime import Runtime, read_tokenizer
from routoo.export.writer import torch_graph, write_bundle

if TYPE_CHECKING:
    from routoo.models.training.trained_network import TrainedNetwork

PROMPTS = [
    "2 + 2?",
    "Why is the sky blue, and why is it red at dusk?",
    "word " * 200,
    "Good morning.",
    "Why?",
]


def by_torch(trained: TrainedNetwork, prompts: list[str]) -> np.ndarray:
    """What the network itself says, a prompt at a time."""
    encoded = trained.tokenizer.encode(prompts)
    run = torch_graph(trained.network)
    return np.concatenate([run(*encoded.batch([row]))[0] for row in range(len(encoded))])


def test_float32_predicts_what_torch_predicts(bundle: Bundle, trained: TrainedNetwork) -> None:
    scores = Runtime(bundle, int8=False).predict(PROMPTS, prompt_ids=list("abcde"))
    np.testing.assert_allclose(scores.p_correct, by_torch(trained, PROMPTS), atol=1e-5)
    assert scores.models == ("small", "medium", "large")
    assert scores.names() == list("abcde")
    assert np.ptp(scores.p_correct, axis=0).min() > 1e-3  # the prompts are observed apart


def test_int8_is_near_and_the_same_in_any_company(bundle: Bundle, trained: TrainedNetwork) -> None:
    runtime = Runtime(bundle)
    assert runtime.int8
    together = runtime.predict(PROMPTS).p_correct
    assert 0 < np.abs(together - by_torch(trained, PROMPTS)).max() < 0.02
    for row, prompt in enumerate(PROMPTS):
        np.testing.assert_array_equal(runtime.predict([prompt]).p_correct[0], together[row])


@pytest.mark.parametrize("options", [{"threads": 2}, {"threads": None}, {"batch_tokens": 100}])
def test_threads_and_batches_change_little(bundle: Bundle, options: dict[str, int | None]) -> None:
    prompts = PROMPTS * 5
    expected = Runtime(bundle, int8=False).predict(prompts)
    found = Runtime(bundle, int8=False, **options).predict(prompts)  # type: ignore[arg-type]  # a table of cases
    np.testing.assert_allclose(found.p_correct, expected.p_correct, atol=1e-5)
    np.testing.assert_allclose(found.cost_usd, expected.cost_usd, rtol=1e-4)


def test_cost_is_tokens_times_prices(bundle: Bundle, pool: Pool) -> None:
    runtime = Runtime(bundle, int8=False)
    scores = runtime.predict(PROMPTS)
    assert scores.output_tokens is not None
    assert scores.input_tokens is not None
    sent = runtime.tokenizer.encode(PROMPTS).input_tokens[:, None] * np.array([1.0, 1.1, 1.3])
    np.testing.assert_allclose(scores.input_tokens, sent, rtol=1e-6)
    by_hand = (sent * [0.1, 1, 10] + scores.output_tokens * [0.2, 2, 30]) / 1e6
    np.testing.assert_allclose(scores.cost_usd, by_hand, rtol=1e-5)
    whole = runtime.tokenizer.backend.encode(PROMPTS[2], add_special_tokens=False).ids
    assert sent[2, 0] == len(whole) > runtime.tokenizer.policy.max_tokens


def test_latency_is_the_listed_one_where_none_was_learned(bundle: Bundle) -> None:
    scores = Runtime(bundle).predict(PROMPTS)
    assert scores.output_tokens is not None
    assert np.isnan(scores.latency[:, [0, 2]]).all()
    np.testing.assert_allclose(scores.latency[:, 1], 0.5 + scores.output_tokens[:, 1] / 100, rtol=1e-5)


def test_latency_is_the_learned_one_and_tokens_unknown(
    make_trained: Callable[[bool, bool], TrainedNetwork], tmp_path: Path
) -> None:
    made = make_trained(False, True)
    write_bundle(made, tmp_path / "bundle", sample_prompts=PROMPTS, int8=False)
    bundle = Bundle.read(tmp_path / "bundle")
    assert bundle.description.latency_known
    assert not bundle.description.output_tokens_known
    scores = Runtime(bundle).predict(PROMPTS)
    encoded = made.tokenizer.encode(PROMPTS)
    learned = torch_graph(made.network)(*encoded.batch(range(len(PROMPTS)))).latency_s
    np.testing.assert_allclose(scores.latency, learned, rtol=1e-4)
    assert scores.input_tokens is not None
    sent = scores.input_tokens * np.array([0.1, 1, 10])
    np.testing.assert_allclose(
        scores.cost_usd, (sent + NOMINAL_OUTPUT_TOKENS * np.array([0.2, 2, 30])) / 1e6, rtol=1e-5
    )
    assert scores.nominal_costs == dict.fromkeys(scores.models, "100 output tokens")


def test_a_long_prompt_costs_its_input_where_no_tokens_were_recorded(
    make_trained: Callable[[bool, bool], TrainedNetwork], tmp_path: Path
) -> None:
    write_bundle(make_trained(False, True), tmp_path / "bundle", sample_prompts=PROMPTS, int8=False)
    runtime = Runtime(Bundle.read(tmp_path / "bundle"))
    short, long = (runtime.predict(["The train is late. " * count]).cost_usd[0, 2] for count in (1, 9000))
    assert long > 36_000 * 10e-6 > short


def test_what_the_pool_states_stands_for_output_that_was_never_recorded(
    make_trained: Callable[[bool, bool], TrainedNetwork], tmp_path: Path
) -> None:
    trained = dataclasses.replace(make_trained(True, False), unrecorded=("medium", "large"))
    write_bundle(trained, tmp_path / "bundle", sample_prompts=PROMPTS, int8=False)
    bundle = Bundle.read(tmp_path / "bundle")
    stated = [dataclasses.replace(model, output_tokens=700.0) for model in trained.pool.models[:2]]
    plain, other = Runtime(bundle), Runtime(bundle, pool=Pool((*stated, trained.pool["large"])))
    before, after = plain.predict(PROMPTS), other.predict(PROMPTS)
    assert before.output_tokens is not None
    assert after.output_tokens is not None
    np.testing.assert_array_equal(after.output_tokens[:, [0, 2]], before.output_tokens[:, [0, 2]])
    assert (after.output_tokens[:, 1] == 700).all()
    np.testing.assert_allclose(after.latency[:, 1], 0.5 + 7.0)
    others = "as many output tokens as the other models use"
    assert before.nominal_costs == {"medium": others, "large": others}
    assert after.nominal_costs == {"medium": "700 output tokens, as the pool states", "large": others}
    assert after.columns(["small", "large"]).nominal_costs == {"large": others}
    column = after.to_polars()["nominal_cost"].to_list()[:3]
    assert column == [None, "700 output tokens, as the pool states", others]


def test_another_pool_has_other_prices_and_fewer_models(bundle: Bundle) -> None:
    base = Runtime(bundle).predict(PROMPTS)
    pool = Pool(
        (
            PoolModel(name="large", usd_per_1m_input=5, usd_per_1m_output=15),
            PoolModel(name="small", usd_per_1m_input=0.1, usd_per_1m_output=0.2),
        )
    )
    scores = Runtime(bundle, pool=pool).predict(PROMPTS)
    assert scores.models == ("large", "small")
    np.testing.assert_array_equal(scores.p_correct, base.p_correct[:, [2, 0]])
    np.testing.assert_allclose(scores.cost_usd[:, 0], base.cost_usd[:, 2] / 2, rtol=1e-6)
    np.testing.assert_array_equal(scores.cost_usd[:, 1], base.cost_usd[:, 0])
    unknown = Pool((PoolModel(name="huge", usd_per_1m_input=5, usd_per_1m_output=15),))
    with pytest.raises(InputError, match="the pool has huge, and the bundle predicts small, medium, large"):
        Runtime(bundle, pool=unknown)


@pytest.mark.parametrize(
    ("prompts", "words"),
    [
        ([], "prompts must be a list of at least 1 text, got 0"),
        ([""], r"prompts\[0\] is empty"),
        (["fine", " \n"], r"prompts\[1\] is empty"),
        (["fine", b"bytes"], r"prompts\[1\] must be text or a list of messages, got bytes"),
        ("one text", "put it in a list"),
    ],
)
def test_prompts_that_cannot_be_read(bundle: Bundle, prompts: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Runtime(bundle).predict(prompts)


def test_odd_prompts_are_read(bundle: Bundle) -> None:
    runtime = Runtime(bundle)
    megabyte = "a long tale " * 90_000
    encoded = runtime.tokenizer.encode([megabyte, "null\0byte", "lone \ud800 surrogate", "日本語", "x"])
    assert encoded.cut.tolist() == [True, False, False, False, False]
    assert isinstance(runtime.predict_encoded(encoded), Scores)


def test_ids_must_be_as_many(bundle: Bundle) -> None:
    with pytest.raises(InputError, match="2 rows need as many prompt ids, got 1"):
        Runtime(bundle).predict(["a", "b"], prompt_ids=["only one"])


@pytest.mark.parametrize(("int8", "threads"), [(True, 1), (True, 2), (False, 1)])
def test_progress_is_told(bundle: Bundle, int8: bool, threads: int) -> None:
    observed: list[tuple[int, int]] = []
    Runtime(bundle, int8=int8, threads=threads).predict(PROMPTS, progress=lambda *at: observed.append(at))
    assert observed[-1] == (5, 5)
    assert observed == sorted(observed)


def test_options_that_make_no_sense(bundle: Bundle) -> None:
    with pytest.raises(InputError, match="threads must be a whole number of at least 1, got 0"):
        Runtime(bundle, threads=0)
    with pytest.raises(InputError, match="batch_tokens must be a whole number of at least 1, got -5"):
        Runtime(bundle, batch_tokens=-5)


def test_int8_that_is_not_there(bundle: Bundle, tmp_path: Path) -> None:
    contents = {name: (bundle.folder / name).read_bytes() for name in (*LAYOUT.required, LAYOUT.graph)}
    without = write_files(tmp_path / "bundle", bundle.description, contents)
    assert not Runtime(without).int8
    with pytest.raises(BundleError, match=r"has no model\.int8\.onnx"):
        Runtime(without, int8=True)


def test_files_whose_hashes_hold_but_that_are_no_such_thing(hollow: Path) -> None:
    with pytest.raises(BundleError, match=r"tokenizer\.json cannot be read"):
        Runtime(Bundle.read(hollow))


def test_a_graph_that_is_none(bundle: Bundle, tmp_path: Path) -> None:
    contents = {name: (bundle.folder / name).read_bytes() for name in (*LAYOUT.required, LAYOUT.graph)}
    broken = write_files(tmp_path / "bundle", bundle.description, contents | {LAYOUT.graph: b"no graph"})
    with pytest.raises(BundleError, match="the graph cannot be read: it is no ONNX model, or cut off"):
        Runtime(broken).predict(["a"])


def test_a_runtime_is_warmed_up_and_pickled(bundle: Bundle) -> None:
    runtime = Runtime(bundle).warm_up()
    copy = pickle.loads(pickle.dumps(runtime))
    np.testing.assert_array_equal(copy.predict(PROMPTS).p_correct, runtime.predict(PROMPTS).p_correct)


def _predict_in_child(runtime: Runtime, answers: multiprocessing.SimpleQueue[list[list[float]]]) -> None:
    answers.put(runtime.predict(PROMPTS).p_correct.tolist())


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_warm_runtime_survives_a_fork(bundle: Bundle) -> None:
    runtime = Runtime(bundle, threads=2).warm_up()
    expected = runtime.predict(PROMPTS).p_correct.tolist()
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=_predict_in_child, args=(runtime, answers), daemon=True)
    child.start()
    child.join(20)
    try:
        assert child.exitcode == 0
        assert answers.get() == expected
    finally:
        child.kill()


def _with(bundle: Bundle, folder: Path, *, pool: Pool | None = None, **files: bytes) -> Bundle:
    """The bundle with other content, and hashes that agree with it."""
    contents = {name: (bundle.folder / name).read_bytes() for name in bundle.files}
    contents.update({getattr(LAYOUT, name): content for name, content in files.items()})
    description = bundle.description
    if pool is not None:
        description = dataclasses.replace(description, pool=pool, input_token_ratio=(1.0,) * len(pool))
    return write_files(folder, description, contents)


@pytest.mark.parametrize("count", [2, 4])
def test_a_pool_that_is_not_the_graphs_is_refused(
    bundle: Bundle, pool: Pool, tmp_path: Path, count: int
) -> None:
    more = PoolModel(name="more", usd_per_1m_input=1, usd_per_1m_output=1)
    altered = _with(bundle, tmp_path / "b", pool=Pool((*pool.models, more)[:count]))
    with pytest.raises(BundleError, match=rf"names {count} models, and model\.int8\.onnx predicts 3"):
        Runtime(altered).predict(PROMPTS)


def test_a_tokenizer_that_is_not_the_graphs_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    document = json.loads((bundle.folder / LAYOUT.tokenizer).read_bytes())
    document["model"]["vocab"] = {
        word: at if word.startswith("[") else at + 1_000_000
        for word, at in document["model"]["vocab"].items()
    }
    altered = _with(bundle, tmp_path / "b", tokenizer=json.dumps(document).encode())
    with pytest.raises(BundleError, match="the graph cannot read what the tokenizer makes"):
        Runtime(altered).predict(["2 + 2?"])
    with pytest.raises(BundleError, match=r"tokenizer\.json cannot be read"):
        read_tokenizer(_with(bundle, tmp_path / "b", tokenizer=b"{}"))


def test_no_prompts_at_all_are_refused(bundle: Bundle) -> None:
    with pytest.raises(InputError, match="got None"):
        Runtime(bundle).predict(None)  # type: ignore[arg-type]


def test_a_batch_tier_is_predicted_as_its_model(bundle: Bundle) -> None:
    pool = bundle.description.pool
    priced = [
        dataclasses.replace(m, usd_per_1m_batch_input=0.0, usd_per_1m_batch_output=0.0) for m in pool.models
    ]
    tiers = with_batch_tiers(Pool(tuple(priced)))
    scores = Runtime(bundle, pool=tiers).predict(["What is 2 + 2?"])
    alone = Runtime(bundle).predict(["What is 2 + 2?"])
    assert np.array_equal(scores.p_correct, np.repeat(alone.p_correct, 2, axis=1))
    assert (scores.latency[:, 1::2] == 86_400).all()
    assert not scores.cost_usd[:, 1::2].any()
