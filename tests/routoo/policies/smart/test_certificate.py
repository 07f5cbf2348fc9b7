"""Certificates that follow from their calls, and those that do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import routoo as package
from routoo.data.answers import Answers
from routoo.data.errors import InputError
from routoo.members.recorded import RecordedModel
from routoo.policies.smart.certificate import Certificate
from routoo.policies.smart.page import render_page

N = 400


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Certificate]:
    """A certificate and its journal."""
    ids = [str(at) for at in range(N)]
    rows = pl.concat(
        pl.DataFrame({"prompt_id": ids, "answer": texts}).with_columns(model=pl.lit(name), cost_usd=usd)
        for name, usd, texts in (
            ("large", 0.01, ["yes"] * N),
            ("small", 0.001, ["no" if at % 25 == 0 else "Yes." for at in range(N)]),
            ("wrong", 0.0005, ["no"] * N),
        )
    )
    members = {name: RecordedModel(name, Answers(rows)) for name in ("large", "small", "wrong")}
    found = package.smart(
        [f"Question {at}?" for at in ids], members, reference="large", delta=0.1, journal=tmp_path / "calls"
    )
    found.certificate.write(tmp_path / "certificate.json")
    return tmp_path / "certificate.json", found.certificate


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:  # Any: a JSON document
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))


def test_a_certificate_follows_from_its_calls(written: tuple[Path, Certificate]) -> None:
    path, certificate = written
    assert package.verify(path) == []
    stated = json.loads(path.read_text())
    assert stated["answered"] == dict(certificate.answered)
    assert stated["looks"][-1]["differed"]["wrong"] > 0
    assert stated["saved"] == pytest.approx(1 - stated["spent_usd"] / stated["reference_usd"])


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda d: d["promise"].update(delta=0.05), ["promise.delta"]),
        (lambda d: d["looks"][-1]["most"].update(small=1), ["looks[", ".most.small"]),
        (lambda d: d["looks"].pop(), ["looks"]),
        (lambda d: d.update(spent_usd=0.1), ["spent_usd: stated 0.1"]),
        (lambda d: d.update(seed=3), ["seed: stated 3, follows 0"]),
        (lambda d: d["answered"].update(small=0), ["answered.small"]),
        (lambda d: d.update(data_sha256="0"), ["data_sha256"]),
        (lambda d: d.update(sentence="None differs."), ["sentence"]),
        (lambda d: d.update(signed="me"), ["signed"]),
    ],
)
def test_what_was_altered_in_a_certificate_is_named(
    written: tuple[Path, Certificate], edit: Callable[[dict[str, Any]], object], named: list[str]
) -> None:
    change(written[0], edit)
    found = package.verify(written[0])
    assert len(found) == 1
    assert all(name in found[0] for name in named)


def test_calls_that_were_altered_are_noticed(written: tuple[Path, Certificate]) -> None:
    path, _ = written
    journal = path.with_name("calls")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in lines:
        if line["event"] == "answer" and line["row"]["answer"] == "no" and line["model"] == "small":
            line["row"]["answer"] = "yes"
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    named = {line.split(":")[0].split("[")[0] for line in package.verify(path)}
    assert {"journal_sha256", "answers_sha256", "looks"} <= named


def test_what_cannot_be_checked_is_refused(written: tuple[Path, Certificate]) -> None:
    path, _ = written
    journal = path.with_name("calls")
    kept = journal.read_text()
    journal.write_text("".join(kept.splitlines(keepends=True)[:-60]))
    with pytest.raises(
        InputError, match=r"the journal lacks \d+ answers that the run needs, the first that of "
    ):
        package.verify(path)
    journal.write_text('{"event": "stream"}\n')
    with pytest.raises(InputError, match="not the journal of a batch"):
        package.verify(path)
    journal.unlink()
    with pytest.raises(InputError, match="calls: no such file"):
        package.verify(path)
    change(path, lambda document: document.update(journal=None))
    with pytest.raises(InputError, match="no journal was kept"):
        package.verify(path)
    change(path, lambda document: document.update(format=2))
    with pytest.raises(InputError, match="expected a certificate of format 1"):
        package.verify(path)


def test_the_page_says_what_the_certificate_does(written: tuple[Path, Certificate]) -> None:
    _, certificate = written
    page = render_page(certificate)
    assert certificate.sentence in page
    assert f"{certificate.saved:.1%}" in page
    assert page.count("<polyline") == 1  # the other candidate was dropped at the first look
    assert "dropped" in page
    assert "nothing is promised" not in page
