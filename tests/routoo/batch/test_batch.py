"""`routoo batch` from a plan to answers, against a server of both endpoints: its flags, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from batch_server import KEY, BatchServer
from batched import Here
from typer.testing import Result

from routoo.batch import submit as submitting
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool

Routoo = Callable[..., Result]
pytestmark = [
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),  # LiteLLM's own records
    pytest.mark.filterwarnings("ignore:Items? .* using the `ReadOnly` qualifier:UserWarning"),
]
USD = (100 * 50 + 10 * 500) / 1e6
FIRST, SECOND = "part-0001-mini-batch.jsonl", "part-0002-claude-x-batch.jsonl"


@pytest.fixture
def run(routoo: Routoo) -> Callable[..., Result]:
    """Runs `routoo batch`; it is to end well, and to show no key."""

    def run(*words: object, code: int = 0) -> Result:
        result = routoo("batch", *words)
        assert result.exit_code == code, result.output
        assert KEY not in result.output
        return result

    return run


@pytest.fixture
def written(here: Here, run: Routoo) -> Here:
    """The same with its files written."""
    run("write", here.plan, here.prompts, "--pool", here.pool_file, "-o", here.folder)
    return here


def said(result: Result) -> dict[str, Any]:  # Any: values of JSON
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_plan_becomes_answers_at_batch_prices(written: Here, server: BatchServer, run: Routoo) -> None:
    assert not server.state.heard
    assert [file["state"] for file in said(run("status", written.folder, "--json"))["files"]] == [
        "not submitted",
        "not submitted",
    ]
    assert "submitted" in run("submit", written.folder).stdout
    server.state.hold = True
    assert "in_progress" in run("status", written.folder).stdout
    assert said(run("collect", written.folder, "--json"))["to_come"] == 10
    server.state.hold = False
    found = said(run("collect", written.folder, "--json"))
    assert (found["answered"], found["failed"], found["to_come"]) == (10, 0, 0)
    assert found["spent_usd"] == pytest.approx(10 * USD)
    answers = pl.read_parquet(written.folder / "answers.parquet")
    assert answers["answer"].to_list() == [str(n) for n in range(10)]
    assert answers["cost_usd"].to_list() == pytest.approx([USD] * 10)
    assert answers["input_tokens"].to_list() == [100.0] * 10
    heard = len(server.state.heard)
    run("submit", written.folder, "-q")
    assert "10 answers" in run("collect", written.folder).stdout
    assert len(server.state.heard) == heard  # what was fetched is not fetched again
    assert set(server.state.billed.values()) == {1}
    assert not [
        path for path in written.folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()
    ]


def test_a_key_that_is_missing_is_named(
    written: Here, server: BatchServer, run: Routoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BATCH_KEY")
    assert "the environment has no BATCH_KEY" in run("submit", written.folder, code=2).stderr
    monkeypatch.setenv("BATCH_KEY", "wrong")
    assert "did not take the key (401)" in run("submit", written.folder, code=1).stderr
    assert not server.state.billed


def test_files_of_a_folder_are_written_once(written: Here, run: Routoo) -> None:
    again = run(
        "write", written.plan, written.prompts, "--pool", written.pool_file, "-o", written.folder, code=2
    )
    assert "holds batch files already" in again.stderr


def test_a_folder_of_somebody_else_is_left_alone(here: Here, run: Routoo) -> None:
    here.folder.mkdir()
    (here.folder / "prompts.jsonl").write_text("mine")
    words = ("write", here.plan, here.prompts, "--pool", here.pool_file, "-o", here.folder)
    assert "holds other files (prompts.jsonl)" in run(*words, code=2).stderr
    assert (here.folder / "prompts.jsonl").read_text() == "mine"


def test_a_plan_without_a_tier_is_refused(here: Here, run: Routoo) -> None:
    here.ask(["Which is 0?"], ["mini"])
    words = ("write", here.plan, here.prompts, "--pool", here.pool_file, "--output", here.folder)
    assert "gives no prompt to a batch tier" in run(*words, code=2).stderr


def test_prompts_are_read_as_elsewhere(here: Here, run: Routoo) -> None:
    table = here.root / "prompts.csv"
    table.write_text("prompt_id|question\nq0|Which is 7?\n")
    pl.read_parquet(here.plan).head(1).write_parquet(here.plan)
    words = ("write", here.plan, table, "--pool", here.pool_file, "--output", here.folder, "--json")
    written = said(run(*words, "--columns", "prompt=question", "--separator", "bar"))
    assert (written["prompts"], written["at_once"]) == (1, 0)
    assert "Which is 7?" in (here.folder / FIRST).read_text()
    run("submit", here.folder)
    run("collect", here.folder)
    assert said(run("collect", here.folder, "--json"))["answered"] == 1


def test_rates_of_a_day_make_days_that_fit_the_period(
    here: Here, server: BatchServer, run: Routoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five requests at two a day go on three days, and are answered within 2 + 1 days."""
    text = here.pool_file.read_text().replace(
        'name = "mini@batch"', 'name = "mini@batch"\nrequests_per_day = 2'
    )
    here.pool_file.write_text(text)
    words = ("write", here.plan, here.prompts, "--pool", here.pool_file, "--output", here.folder, "--json")
    refused = run(*words, "--period-s", 2 * 86_400, code=2).stderr
    assert "answered within 259,200 s" in refused
    files = said(run(*words, "--period-s", 3 * 86_400))["files"]
    assert [(file["model"], file["requests"], file["day"]) for file in files] == [
        ("mini@batch", 2, 0),
        ("mini@batch", 2, 1),
        ("mini@batch", 1, 2),
        ("claude-x@batch", 5, 0),
    ]
    now = [1_800_000_000.0]
    submit = submitting.submit_batch
    monkeypatch.setattr(
        submitting, "submit_batch", lambda *a, **k: submit(*a, **{**k, "now": lambda: now[0]})
    )
    result = run("submit", here.folder, "--json")
    assert "part-0002-mini-batch.jsonl: waits 86,400 s more" in result.stderr
    assert "part-0003-mini-batch.jsonl: waits for part-0002" in result.stderr
    states = [file["state"] for file in said(result)["files"]]
    assert states == ["submitted", "not submitted", "not submitted", "submitted"]
    now[0] += 100_000
    run("submit", here.folder)
    assert [len(batch.requests) for batch in server.state.batches["openai"]] == [2, 2]


def predictions(here: Here, members: list[str]) -> str:
    """A file that predicts every member the same score, at half a cent for each prompt."""
    ids = pl.read_parquet(here.plan)["prompt_id"].to_list()
    rows = [
        {"prompt_id": name, "model": member, "p_correct": 0.5, "cost_usd": 0.005}
        for name in ids
        for member in members
    ]
    pl.DataFrame(rows).write_parquet(here.root / "predictions.parquet")
    return str(here.root / "predictions.parquet")


@pytest.fixture
def failed(here: Here, server: BatchServer, run: Routoo) -> Here:
    """Eight prompts of one tier that ended: two refused, two expired, one with no result; three answered."""
    faults = ["400", "400", "expired", "expired", "silent", "none", "none", "none"]
    here.pool.select(["mini@batch", "claude-x@batch"]).write(here.pool_file)
    here.ask([f"Which is {n}? [mini:{fault}]" for n, fault in enumerate(faults)], ["mini@batch"] * 8)
    run("write", here.plan, here.prompts, "--pool", here.pool_file, "-o", here.folder)
    run("submit", here.folder)
    run("status", here.folder)
    return here


def test_failures_stay_without_a_bundle(failed: Here, run: Routoo) -> None:
    assert "give --bundle too" in run("collect", failed.folder, "--budget-usd", 1, code=2).stderr
    found = said(run("collect", failed.folder, "--json"))
    assert (found["answered"], found["failed"], found["to_come"]) == (3, 5, 0)
    errors = pl.read_parquet(failed.folder / "answers.parquet").sort("prompt_id")["error"].to_list()
    assert errors[:3:2] == [
        "the provider refused the request (400)",
        "the batch expired or was cancelled before it was asked",
    ]
    assert (
        errors[4] == "the batch expired or was cancelled before it was asked"
    )  # what expired bears no result


def test_what_came_is_graded_where_that_is_asked(failed: Here, run: Routoo) -> None:
    """Of eight prompts three have an answer, which is the number that their right answer is."""
    result = run("collect", failed.folder, "--grader", "number", "--json")
    assert "5 of 8 answers have no score" in result.stderr
    found = Outcomes.read(said(result)["outcomes"])
    assert found.models == ("mini",)
    scored = found.outcomes.sort("prompt_id")
    assert scored["prompt_id"].to_list() == ["q5", "q6", "q7"]
    assert scored["score"].to_list() == [1.0] * 3
    assert scored["cost_usd"].to_list() == pytest.approx([USD] * 3)
    run("collect", failed.folder, "--grader", "number")
    judged = run("collect", failed.folder, "--grader", "judge:mini", code=2)
    assert "the judge mini has to be paid" in judged.stderr


def test_failures_go_to_the_next_member_within_the_budget(
    failed: Here, server: BatchServer, run: Routoo
) -> None:
    """Three answers cost three cents; of one cent more, two prompts of half a cent are asked again."""
    found = said(
        run(
            "collect",
            failed.folder,
            "--bundle",
            predictions(failed, ["mini@batch", "claude-x@batch"]),
            "--budget-usd",
            0.04,
            "--json",
        )
    )
    assert (found["failed"], found["to_come"]) == (3, 2)
    assert found["to_come_usd"] == pytest.approx(0.01)
    run("submit", failed.folder)
    run("status", failed.folder)
    found = said(run("collect", failed.folder, "--json"))
    assert (found["answered"], found["failed"], found["to_come"]) == (5, 3, 0)
    assert [one.requests[0]["params"]["model"] for one in server.state.batches["anthropic"]] == ["claude-x"]


def test_one_line_that_is_refused_takes_no_other_with_it(
    here: Here, server: BatchServer, run: Routoo
) -> None:
    here.pool.select(["mini@batch"]).write(here.pool_file)
    here.ask(["Which is 0?", "Which is 1? [invalid]", "Which is 2?"], ["mini@batch"] * 3)
    run("write", here.plan, here.prompts, "--pool", here.pool_file, "-o", here.folder)
    run("submit", here.folder)
    found = said(run("collect", here.folder, "--bundle", predictions(here, ["mini@batch"]), "--json"))
    assert (found["answered"], found["failed"], found["to_come"]) == (0, 1, 2)
    run("submit", here.folder)
    run("status", here.folder)
    found = said(run("collect", here.folder, "--json"))
    assert (found["answered"], found["failed"], found["to_come"]) == (2, 1, 0)
    assert set(server.state.billed.values()) == {1}


def test_a_full_queue_is_tried_again(written: Here, server: BatchServer, run: Routoo) -> None:
    server.state.full = 1
    run("submit", written.folder)
    states = [file["state"] for file in said(run("collect", written.folder, "--json"))["files"]]
    assert states[0] == "not submitted"
    run("submit", written.folder)
    run("status", written.folder)
    assert said(run("collect", written.folder, "--json"))["answered"] == 10


def breaks(server: BatchServer, end: str) -> None:
    """Has the next submission break, after it arrived."""

    def after(method: str, path: str) -> bool:
        broken = method == "POST" and path.endswith(end)
        if broken:
            server.state.after = lambda method, path: False
        return broken

    server.state.after = after


def test_a_submission_that_arrived_is_found_by_its_key(
    written: Here, server: BatchServer, run: Routoo
) -> None:
    breaks(server, "/v1/batches")
    result = run("submit", written.folder)
    assert f"{FIRST}: had arrived, as batch_0" in result.stderr
    assert len(server.state.batches["openai"]) == 1
    assert (
        f"{FIRST} is not in doubt: it is batch_0"
        in run("submit", written.folder, "--again", FIRST, code=2).stderr
    )


def test_one_that_cannot_be_known_is_asked_of_the_user(
    written: Here, server: BatchServer, run: Routoo
) -> None:
    breaks(server, "/v1/messages/batches")
    server.state.hold = True
    said_so = run("submit", written.folder).stderr
    assert f"{SECOND}: may have arrived as msgbatch_0" in said_so
    assert "in doubt" in run("submit", written.folder).stdout
    assert len(server.state.batches["anthropic"]) == 1
    states = said(run("submit", written.folder, "--found", f"{SECOND}=msgbatch_0", "--json"))["files"]
    assert [file["batch"] for file in states] == ["batch_0", "msgbatch_0"]


def test_what_a_user_knows_not_to_have_arrived_is_sent_again(
    written: Here, server: BatchServer, run: Routoo
) -> None:
    breaks(server, "/v1/messages/batches")
    server.state.hold = True
    run("submit", written.folder)
    assert "submitted" in run("submit", written.folder, "--again", SECOND).stdout
    assert len(server.state.batches["anthropic"]) == 2


def test_it_is_known_once_the_other_batch_has_ended(written: Here, server: BatchServer, run: Routoo) -> None:
    breaks(server, "/v1/messages/batches")
    run("submit", written.folder)
    assert f"{SECOND}: had arrived, as msgbatch_0" in run("submit", written.folder).stderr
    assert len(server.state.batches["anthropic"]) == 1


def test_members_that_answer_at_once_are_asked_beside(here: Here, server: BatchServer, run: Routoo) -> None:
    rows = [{"prompt_id": "q0", "model": "at-hand", "answer": "0", "cost_usd": 0.25}]
    pl.DataFrame(rows).write_parquet(here.root / "recorded.parquet")
    own = {"name": "at-hand", "usd_per_1m_input": 1, "usd_per_1m_output": 1}
    call = {"kind": "recorded", "model": str(here.root / "recorded.parquet")}
    Pool.from_records([*here.pool.to_records(), {**own, "call": call}]).write(here.pool_file)
    here.ask(["Which is 0?", "Which is 1?"], ["at-hand", "mini@batch"])
    words = ("write", here.plan, here.prompts, "--pool", here.pool_file, "-o", here.folder)
    assert "1 prompt of members that answer at once" in run(*words).stdout
    assert "1 prompt asked at once" in run("submit", here.folder).stdout
    assert "asked at once" not in run("submit", here.folder).stdout
    run("status", here.folder)
    found = said(run("collect", here.folder, "--json"))
    assert (found["answered"], found["spent_usd"]) == (2, pytest.approx(0.25 + USD))


def test_files_that_were_changed_are_refused(written: Here, server: BatchServer, run: Routoo) -> None:
    (written.folder / FIRST).write_text("{}")
    assert "was changed since it was written" in run("submit", written.folder, code=2).stderr
    assert not server.state.billed


def test_what_one_provider_does_not_give_keeps_nothing_else_back(
    written: Here, server: BatchServer, run: Routoo
) -> None:
    run("submit", written.folder)
    run("status", written.folder)
    server.state.before = lambda method, path: 404 if path.endswith("/msgbatch_0") else None
    failed = run("collect", written.folder, code=1).stderr
    assert f"{SECOND}: the provider knows no such model (404)" in failed
    assert len(pl.read_parquet(written.folder / "answers.parquet")) == 5
    server.state.before = lambda method, path: None
    assert said(run("collect", written.folder, "--json"))["answered"] == 10


def test_a_server_that_is_down_is_asked_again_where_nothing_changes(
    written: Here, server: BatchServer, run: Routoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    run("submit", written.folder)
    left = [503, 429]
    server.state.before = lambda method, path: left.pop() if left else None
    run("status", written.folder)
    assert waits == [1.0, 2.0]


@pytest.mark.parametrize("status", [429, 503, 400])
def test_a_submission_that_was_refused_is_made_by_the_next_run(
    written: Here, server: BatchServer, run: Routoo, status: int
) -> None:
    server.state.before = lambda method, path: status if (method, path) == ("POST", "/v1/batches") else None
    assert f"({status})" in run("submit", written.folder, code=1).stderr
    states = [file["state"] for file in said(run("status", written.folder, "--json"))["files"]]
    assert states == ["not submitted", "in_progress"]
    server.state.before = lambda method, path: None
    run("submit", written.folder)
    assert set(server.state.billed.values()) == {1}
    assert len(server.state.files) == 1


def test_a_500_leaves_it_open_and_a_minute_later_it_is_known(
    written: Here, server: BatchServer, run: Routoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.state.before = lambda method, path: 500 if (method, path) == ("POST", "/v1/batches") else None
    assert f"{FIRST}: is not there, and may be on its way" in run("submit", written.folder).stderr
    server.state.before = lambda method, path: None
    run("submit", written.folder)
    assert not server.state.batches["openai"]
    monkeypatch.setattr(submitting, "GRACE_S", 0.0)
    run("submit", written.folder)
    assert len(server.state.batches["openai"]) == 1


def test_lines_that_are_none_of_ours_are_passed_over(written: Here, server: BatchServer, run: Routoo) -> None:
    run("submit", written.folder)
    run("status", written.folder)
    run("collect", written.folder)
    results = written.folder / "results" / FIRST
    odd = [b"", b"{", b"[]", b'{"custom_id": "x", "response": {"status_code": 200, "body": {}}}']
    lines = results.read_bytes().splitlines()
    results.write_bytes(b"\n".join([*odd, *lines[1:]]))
    found = said(run("collect", written.folder, "--json"))
    assert (found["answered"], found["failed"]) == (9, 1)
    assert found["spent_usd"] > 10 * USD  # the one that is missing costs the most that it can


def test_a_tier_is_not_asked_at_once(here: Here, routoo: Routoo) -> None:
    words = ("--pool", here.pool_file, "--budget-usd", 1, "--grader", "number", "-o", here.root / "out")
    refused = routoo("collect", here.prompts, *words)
    assert "mini@batch, claude-x@batch are asked by files" in refused.stderr
