from __future__ import annotations

import dataclasses
import errno
import gc
import json
import os
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from routoo.data.domains import Attribute
from routoo.data.errors import BundleError, InputError
from routoo.data.observation import ObservationModel
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.data.storage import file_set
from routoo.data.text import TextPolicy
from routoo.data.validation import ValidationRecord
from routoo.export.bundle import Bundle, write_files
from routoo.export.card import model_card
from routoo.export.description import BundleDescription
from routoo.export.layout import LAYOUT, NEWEST_FORMAT, OLDEST_FORMAT
from routoo.export.manifest import sealed, to_json
from routoo.models.signals.answer_model import AnswerModel
from routoo.models.signals.calibration import Calibration, Curve
from routoo.models.signals.fusion import Fusion

FIRST_SEALED = 5
"""The first format whose `router.json` holds a hash of itself."""


def edit_router(folder: Path, edit: Callable[[dict[str, object]], object]) -> None:
    """Changes the document in `router.json`, as somebody does who knows how it is sealed."""
    document = json.loads((folder / LAYOUT.router).read_text())
    del document["sha256"]
    edit(document)
    (folder / LAYOUT.router).write_bytes(sealed(document))


def contents_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def replace_in_the_middle(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], None]
) -> None:
    """Writes a bundle anew, and acts at the moment before a file is put under this name."""
    replace = Path.replace

    def acting(self: Path, target: Path) -> Path:
        if target.name == name:
            act()
        return replace(self, target)

    bundle = Bundle.read(folder)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", acting)
        write_files(folder, bundle.description, dict.fromkeys(LAYOUT.required, b'{"new": true}'))


def test_a_whole_bundle_is_read(hollow: Path, pool: Pool) -> None:
    bundle = Bundle.read(hollow)
    assert bundle.description.pool == pool
    assert bundle.description.policy == TextPolicy()
    assert bundle.has_int8
    assert set(bundle.files) == set(LAYOUT.names) - {LAYOUT.router}
    assert bundle.metrics() == {"val_brier": 0.2}


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(BundleError, match=r"no/such/folder: no bundle; tried a folder .* and the hub"):
        Bundle.open("no/such/folder")
    with pytest.raises(BundleError, match="there is no such folder"):
        Bundle.read("no/such/folder")


def test_a_folder_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(BundleError, match=r"router.json is missing \(found notes.txt\)"):
        Bundle.open(tmp_path)


@pytest.mark.parametrize("name", [*LAYOUT.required, *LAYOUT.optional])
def test_each_file_missing_truncated_altered(hollow: Path, name: str) -> None:
    path = hollow / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    with pytest.raises(BundleError, match=f"{name} is truncated"):
        Bundle.read(hollow)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(BundleError, match=f"{name} was altered"):
        Bundle.read(hollow)
    path.write_bytes(whole + b"x")
    with pytest.raises(BundleError, match=f"{name} was altered"):
        Bundle.read(hollow)
    path.unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        Bundle.read(hollow)


def test_all_faults_are_named_at_once(hollow: Path) -> None:
    (hollow / LAYOUT.graph).unlink()
    (hollow / LAYOUT.card).write_text("another card")
    with pytest.raises(BundleError, match=r"README\.md is truncated .*; model\.onnx is missing"):
        Bundle.read(hollow)


def test_every_truncation_of_router_json_is_refused(hollow: Path) -> None:
    whole = (hollow / LAYOUT.router).read_bytes().rstrip()
    for length in range(0, len(whole), 37):
        (hollow / LAYOUT.router).write_bytes(whole[:length])
        with pytest.raises(BundleError):
            Bundle.read(hollow)


@pytest.mark.parametrize("content", [b"[]", b"null", b"\xff\xfe\x00", b"[" * 100_000, b'{"a": NaN}', b"{}"])
def test_router_json_that_is_something_else(hollow: Path, content: bytes) -> None:
    (hollow / LAYOUT.router).write_bytes(content)
    with pytest.raises(BundleError, match=r"router\.json"):
        Bundle.read(hollow)


def test_a_newer_format_asks_for_an_upgrade(hollow: Path) -> None:
    edit_router(hollow, lambda d: d.update(format_version=NEWEST_FORMAT + 1, files="of another form"))
    newer = rf"is of format {NEWEST_FORMAT + 1}, .* reads up to {NEWEST_FORMAT}: upgrade routoo"
    with pytest.raises(BundleError, match=newer):
        Bundle.read(hollow)


def test_attributes_are_kept(hollow: Path, tmp_path: Path) -> None:
    attributes = (Attribute("tenant", ("north", "south"), rest=True), Attribute("language", ("de", "en")))
    described = dataclasses.replace(Bundle.read(hollow).description, attributes=attributes)
    write_files(
        tmp_path / "attributes", described, {name: (hollow / name).read_bytes() for name in LAYOUT.required}
    )
    assert Bundle.read(tmp_path / "attributes").description.attributes == attributes


@pytest.mark.parametrize("version", range(OLDEST_FORMAT, FIRST_SEALED))
def test_older_formats_without_a_hash_of_themselves_are_read(hollow: Path, version: int) -> None:
    document = json.loads((hollow / LAYOUT.router).read_text())
    del document["sha256"]
    (hollow / LAYOUT.router).write_text(json.dumps({**document, "format_version": version}))
    assert Bundle.read(hollow).has_graph
    (hollow / LAYOUT.router).write_text(json.dumps({**document, "format_version": OLDEST_FORMAT - 1}))
    with pytest.raises(BundleError, match=f"older than {OLDEST_FORMAT}, the oldest that is read"):
        Bundle.read(hollow)


def test_every_byte_of_router_json_counts(hollow: Path) -> None:
    whole = (hollow / LAYOUT.router).read_bytes()
    for at in range(len(whole)):
        for other in {whole[at] ^ 1, ord(" "), ord("9")} - {whole[at]}:
            (hollow / LAYOUT.router).write_bytes(whole[:at] + bytes([other]) + whole[at + 1 :])
            with pytest.raises(BundleError):
                Bundle.read(hollow)
    (hollow / LAYOUT.router).write_bytes(whole)
    Bundle.read(hollow)


@pytest.mark.parametrize("seal", [None, 1, "", "0" * 64, "x" * 64])
def test_a_newer_format_is_sealed(hollow: Path, seal: object) -> None:
    document = json.loads((hollow / LAYOUT.router).read_text())
    (hollow / LAYOUT.router).write_text(json.dumps({**document, "sha256": seal}))
    with pytest.raises(BundleError, match=r"router\.json was altered"):
        Bundle.read(hollow)


@pytest.mark.parametrize("version", [None, "1", 0, -1, True, 1.0])
def test_a_version_that_is_none(hollow: Path, version: object) -> None:
    edit_router(hollow, lambda d: d.update(format_version=version))
    with pytest.raises(BundleError, match="format_version is"):
        Bundle.read(hollow)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", "", "a/b", "a\\b", "C:secret", "a\0b"])
def test_names_that_lead_out_of_the_folder(hollow: Path, name: str) -> None:
    (hollow.parent / "secret").write_text("secret")
    edit_router(hollow, lambda d: d["files"].update({name: {"size": 6, "sha256": "0" * 64}}))  # type: ignore[attr-defined]  # JSON
    with pytest.raises(BundleError, match="is not a plain file name"):
        Bundle.read(hollow)


@pytest.mark.parametrize("name", [LAYOUT.graph, LAYOUT.router])
def test_links_that_lead_out_of_the_folder(hollow: Path, name: str) -> None:
    outside = hollow.parent / "outside"
    (hollow / name).rename(outside)
    (hollow / name).symlink_to(outside)
    with pytest.raises(BundleError, match=f"{name} is a link that leads out of the folder"):
        Bundle.read(hollow)


def test_the_links_of_a_hub_cache_are_followed(hollow: Path, tmp_path: Path) -> None:
    snapshot, blobs = tmp_path / "repo" / "snapshots" / "abc", tmp_path / "repo" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for at, path in enumerate(sorted(hollow.iterdir())):
        path.rename(blobs / str(at))
        (snapshot / path.name).symlink_to(Path("../../blobs") / str(at))
    assert Bundle.read(snapshot).has_int8


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("pool", [], "at least one model"),
        ("pool", ["small"], "one mapping a model"),
        ("pool", [{"name": "small"}], "lacks usd_per_1m_input"),
        ("text", {}, "'max_tokens' is missing"),
        ("text", {"max_tokens": True}, "must be of type int"),
        ("text", {"max_tokens": 2}, "max_tokens must be at least 8"),
        ("input_token_ratio", [1, 1], "3 positive numbers"),
        ("input_token_ratio", [1, 1, 0], "3 positive numbers"),
        ("input_token_ratio", [1, 1, None], "float"),
        ("latency_known", "yes", "must be of type bool"),
        ("attributes", None, "'attributes' must be of type list, got NoneType"),
        ("attributes", ["tenant"], "expected one mapping an attribute, got str"),
        ("attributes", [{"name": "tenant"}], "'values' is missing"),
        ("attributes", [{"name": "tenant", "values": ["x", 1]}], "the values of tenant must be text"),
        ("attributes", [{"name": "tenant", "values": ["x"], "rest": 1}], "'rest' must be of type bool"),
        (
            "network",
            {"heads": {"attributes": [3]}},
            r"attributes: they have \[\] values, and the network has \[3\]",
        ),
        ("network", {"heads": {"attributes": 3}}, "the network has 3"),
        ("validation", [1], "'validation' must be of type dict, got list"),
        ("validation", {"models": ["small"]}, "validation record: missing, or no number: 'n_prompts'"),
        ("answer_model", "x", "'answer_model' must be of type dict, got str"),
        ("answer_model", {"format": 1}, "a saved answer model lacks 'observation'"),
    ],
)
def test_a_description_that_makes_no_sense(hollow: Path, key: str, value: object, words: str) -> None:
    edit_router(hollow, lambda d: d.update({key: value}))
    with pytest.raises(BundleError, match=rf"router\.json: .*{words}"):
        Bundle.read(hollow)


def test_files_that_are_not_listed(hollow: Path) -> None:
    edit_router(hollow, lambda d: d["files"].pop(LAYOUT.weights))  # type: ignore[attr-defined]  # JSON
    with pytest.raises(BundleError, match=r"does not list model\.safetensors"):
        Bundle.read(hollow)
    edit_router(hollow, lambda d: d.update(files={LAYOUT.graph: "hash"}))
    with pytest.raises(BundleError):
        Bundle.read(hollow)


def test_a_copy_is_the_same_bundle(hollow: Path, tmp_path: Path) -> None:
    Bundle.read(hollow).save_pretrained(tmp_path / "deep" / "copy")
    assert contents_of(tmp_path / "deep" / "copy") == contents_of(hollow)


def test_writing_replaces_a_bundle_and_nothing_else(hollow: Path, tmp_path: Path) -> None:
    bundle = Bundle.read(hollow)
    contents = {name: bundle.content(name) for name in LAYOUT.required}
    (hollow / ".gitattributes").write_text("*.onnx filter=lfs")
    assert not write_files(hollow, bundle.description, contents).has_graph
    assert set(contents_of(hollow)) == {LAYOUT.router, *LAYOUT.required, ".gitattributes"}
    (tmp_path / "thesis").mkdir()
    for name in ("chapter.tex", LAYOUT.card):
        (tmp_path / "thesis" / name).write_text("years of work")
        with pytest.raises(InputError, match=rf"holds other files \(.*{name}.*\), which are left alone"):
            write_files(tmp_path / "thesis", bundle.description, contents)
        with pytest.raises(InputError, match="found a file"):
            write_files(tmp_path / "thesis" / name, bundle.description, contents)
    assert set(contents_of(tmp_path / "thesis").values()) == {b"years of work"}


@pytest.mark.parametrize("name", [LAYOUT.router, LAYOUT.graph])
def test_links_in_place_of_files_are_not_replaced(hollow: Path, name: str) -> None:
    bundle = Bundle.read(hollow)
    (hollow / name).rename(hollow / ".elsewhere")
    (hollow / name).symlink_to(".elsewhere")
    with pytest.raises(InputError, match=f"{name} is a link or no file, and would be lost"):
        bundle.save_pretrained(hollow)
    assert (hollow / name).is_symlink()


@pytest.mark.parametrize("name", LAYOUT.names)
def test_pipes_are_not_waited_for(hollow: Path, name: str) -> None:
    (hollow / name).unlink()
    os.mkfifo(hollow / name)
    with pytest.raises(BundleError, match=rf"{name} cannot be read \(not a regular file\)"):
        Bundle.read(hollow)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a" * 300, "where cannot be used: File name too long"),
        ("x/" * 3000, "where cannot be used: File name too long"),
        ("a\0b", "where must be a path"),
        ("\udcff", "no bundle"),
    ],
)
def test_odd_names_of_folders(name: str, words: str) -> None:
    with pytest.raises((BundleError, InputError), match=words):
        Bundle.open(name)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "1" * 5000])
def test_numbers_that_are_none(hollow: Path, number: str) -> None:
    document = to_json({**json.loads((hollow / LAYOUT.router).read_text()), "format_version": "NUMBER"})
    (hollow / LAYOUT.router).write_bytes(document.replace(b'"NUMBER"', number.encode()))
    with pytest.raises(BundleError, match=r"router\.json"):
        Bundle.read(hollow)


@pytest.mark.parametrize("trained_on", [{"split_seed": "x"}, {"split_seed": []}, {"options": 1}])
def test_a_split_that_is_none(hollow: Path, trained_on: dict[str, object]) -> None:
    description = dataclasses.replace(Bundle.read(hollow).description, trained_on=trained_on)
    contents = {name: (hollow / name).read_bytes() for name in LAYOUT.required}
    with pytest.raises(BundleError, match="names no seed of a split"):
        write_files(hollow, description, contents).split()


def test_lone_surrogates_are_refused(hollow: Path) -> None:
    whole = (hollow / LAYOUT.router).read_bytes()
    (hollow / LAYOUT.router).write_bytes(whole.replace(b'"small"', b'"\\ud800"'))
    with pytest.raises(BundleError, match=r"router\.json is truncated or not JSON .*surrogates not allowed"):
        Bundle.read(hollow)


def test_files_that_no_bundle_has(hollow: Path) -> None:
    (hollow / "setup.py").write_text("secret")
    edit_router(hollow, lambda d: d["files"].update({"setup.py": {"size": 6, "sha256": "0" * 64}}))  # type: ignore[attr-defined]  # JSON
    with pytest.raises(BundleError, match=r"lists 'setup\.py', which no bundle has"):
        Bundle.read(hollow)


@pytest.mark.parametrize("name", LAYOUT.names)
def test_a_bundle_that_is_being_replaced_is_the_old_one_or_the_new_one(
    hollow: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    found = []
    replace_in_the_middle(hollow, monkeypatch, name, lambda: found.append(set(Bundle.read(hollow).metrics())))
    # What is not required is removed without a rename, and router.json is where the old one ends.
    assert found == (
        [] if name in LAYOUT.optional else [{"val_brier"}] if name == LAYOUT.router else [{"new"}]
    )
    assert set(contents_of(hollow)) == {LAYOUT.router, *LAYOUT.required}


class Killed(BaseException):
    """Stands for the end of a process, after which nothing is put in order."""


@pytest.mark.parametrize("name", [LAYOUT.router, *LAYOUT.required])
def test_a_writer_that_is_killed_leaves_a_whole_bundle_and_the_next_one_cleans(
    hollow: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def die() -> None:
        monkeypatch.setattr(file_set.FileSet, "_sweep", lambda self, folder: None)
        raise Killed

    with pytest.raises(Killed):
        replace_in_the_middle(hollow, monkeypatch, name, die)
    monkeypatch.undo()
    assert len(contents_of(hollow)) > len(LAYOUT.names) or name != LAYOUT.router
    bundle = Bundle.read(hollow)
    assert set(bundle.metrics()) == ({"val_brier"} if name == LAYOUT.router else {"new"})
    copy = bundle.save_pretrained(hollow.parent / "copy")
    assert {path.name for path in copy.folder.iterdir()} == {LAYOUT.router, *copy.files}
    bundle.save_pretrained(hollow)
    assert {path.name for path in hollow.iterdir()} == {LAYOUT.router, *bundle.files}


def test_a_bundle_stays_what_it_was_when_another_takes_its_place(hollow: Path) -> None:
    bundle = Bundle.read(hollow)
    before = contents_of(hollow)
    write_files(hollow, bundle.description, dict.fromkeys(LAYOUT.required, b"{}"))
    assert {name: bundle.content(name) for name in bundle.files} == {
        name: content for name, content in before.items() if name != LAYOUT.router
    }
    elsewhere = pickle.loads(pickle.dumps(bundle))
    with pytest.raises(BundleError, match=r"README\.md is truncated"):
        elsewhere.content(LAYOUT.card)
    same = pickle.loads(pickle.dumps(Bundle.read(hollow)))
    assert same.content(LAYOUT.card) == b"{}"


def test_a_pickled_bundle_is_found_from_another_working_directory(
    hollow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hollow.parent)
    pickled = pickle.dumps(Bundle.read(Path(hollow.name)))
    monkeypatch.chdir("/")
    assert pickle.loads(pickled).content(LAYOUT.card) == (hollow / LAYOUT.card).read_bytes()


def test_a_file_that_is_changed_where_it_is(hollow: Path) -> None:
    bundle = Bundle.read(hollow)
    (hollow / LAYOUT.card).write_text("another")
    with pytest.raises(BundleError, match=r"README\.md was altered after it was opened"):
        bundle.content(LAYOUT.card)


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are listed there")
def test_files_are_let_go_with_the_bundle(hollow: Path) -> None:
    gc.collect()
    before = _open_files()
    bundle = Bundle.read(hollow)
    assert _open_files() == before + len(bundle.files)
    del bundle
    gc.collect()
    assert _open_files() == before


def test_writing_wants_just_the_files_of_the_layout(hollow: Path, tmp_path: Path) -> None:
    description = Bundle.read(hollow).description
    with pytest.raises(InputError, match=r"missing \['README\.md'.*unknown \['evil\.pkl'\]"):
        write_files(tmp_path / "new", description, {"evil.pkl": b""})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["circle", "a\0b", "a" * 300])
def test_a_folder_that_leads_nowhere_is_not_written(hollow: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises((BundleError, InputError)):
        Bundle.read(hollow).save_pretrained(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir() if path.is_symlink()] == ["circle"]


def test_a_full_disk_leaves_the_old_bundle(hollow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents_of(hollow)
    bundle = Bundle.read(hollow)
    contents = dict.fromkeys(LAYOUT.required, b"new")
    written = []

    def full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 4:
            path.write_bytes(content[:1])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        path.write_bytes(content)

    monkeypatch.setattr(file_set, "write_atomically", full)
    with pytest.raises(BundleError, match="No space left on device; what was there before still stands"):
        write_files(hollow, bundle.description, contents)
    assert len(written) == 4
    assert contents_of(hollow) == before
    assert [path.name for path in hollow.parent.iterdir()] == [hollow.name]


def test_a_disk_that_is_really_full(hollow: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small disk needs rights that are not there")
    try:
        description = Bundle.read(hollow).description
        Bundle.read(hollow).save_pretrained(disk / "bundle")
        before = contents_of(disk / "bundle")
        contents = {name: bytes(100_000) for name in LAYOUT.required}
        for folder in (disk / "bundle", disk / "new"):
            with pytest.raises(BundleError, match="No space left on device"):
                write_files(folder, description, contents)
        assert contents_of(disk / "bundle") == before
        assert [path.name for path in disk.iterdir()] == ["bundle"]
        Bundle.read(disk / "bundle")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_interrupted_writing_leaves_the_old_bundle(hollow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents_of(hollow)

    def interrupted(path: Path, content: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(file_set, "write_atomically", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Bundle.read(hollow).save_pretrained(hollow)
    assert contents_of(hollow) == before


def test_json_of_numbers_that_json_does_not_have() -> None:
    assert json.loads(to_json({"a": [float("nan"), 1.5], "b": {"c": float("inf")}})) == {
        "a": [None, 1.5],
        "b": {"c": None},
    }


def test_attributes_are_those_of_the_network(pool: Pool) -> None:
    attributes = (Attribute("tenant", ("north", "south"), rest=True), Attribute("language", ("de", "en")))
    for counts in ([3, 2], [2, 3], [3]):
        description = BundleDescription(
            pool, TextPolicy(), (1, 1, 1), attributes=attributes, network={"heads": {"attributes": counts}}
        )
        if counts == [3, 2]:
            assert BundleDescription.from_dict(description.to_dict()).attributes == attributes
            continue
        with pytest.raises(BundleError, match=r"they have \[3, 2\] values, and the network has \["):
            BundleDescription.from_dict(description.to_dict())


def test_the_card_says_what_can_be_told(pool: Pool) -> None:
    plain = BundleDescription(pool, TextPolicy(), (1, 1, 1))
    assert "What it can be told" not in model_card(plain, None)
    attributes = (Attribute("tenant", ("a|b", "south"), rest=True), Attribute("language", ("de", "en")))
    card = model_card(dataclasses.replace(plain, domains=("law", "maths"), attributes=attributes), None)
    assert "- domain: law, maths\n" in card
    assert "- attribute tenant: a&#124;b, south and all others\n- attribute language: de, en\n" in card


def test_the_card_says_which_costs_are_nominal(pool: Pool) -> None:
    plain = BundleDescription(pool, TextPolicy(), (1, 1, 1))
    assert "- costs: costs are nominal: no output tokens of small, medium, large" in model_card(plain, None)
    known = BundleDescription(pool, TextPolicy(), (1, 1, 1), output_tokens_known=True)
    assert "nominal" not in model_card(known, None)


def test_a_description_from_before_costs_could_be_nominal_is_read(pool: Pool) -> None:
    for known in (True, False):
        written = BundleDescription(pool, TextPolicy(), (1, 1, 1), output_tokens_known=known).to_dict()
        del written["unrecorded"]
        nominal = BundleDescription.from_dict(written).nominal_costs()
        assert list(nominal) == ([] if known else ["small", "medium", "large"])


def test_a_description_makes_the_round_trip(pool: Pool) -> None:
    description = BundleDescription(
        pool,
        TextPolicy(64),
        (1.0, 1.5, 0.9),
        output_tokens_known=True,
        network={"layers": [0, 2]},
        trained_on={"data": "made up"},
        validation=_record(pool.names),
        answer_model=_answers(pool.names),
    )
    document = json.loads(to_json(description.to_dict()))
    assert BundleDescription.from_dict(document).to_dict() == description.to_dict()
    assert BundleDescription.from_dict(document).validation is not None
    assert BundleDescription.from_dict(document).answer_model is not None
    assert "- answers: by refusal and by agreement of models, on 40 prompts" in model_card(description, None)


@pytest.mark.parametrize("key", ["validation", "answer_model"])
def test_an_older_bundle_knows_nothing_of_it(hollow: Path, key: str) -> None:
    edit_router(hollow, lambda d: d.pop(key))
    assert getattr(Bundle.read(hollow).description, key) is None


def test_a_validation_record_is_of_the_pool(pool: Pool) -> None:
    with pytest.raises(InputError, match="validation record must be of the models of the pool"):
        BundleDescription(pool, TextPolicy(64), (1.0, 1.5, 0.9), validation=_record(pool.names[::-1]))
    with pytest.raises(InputError, match="answer model must be of the models of the pool"):
        BundleDescription(pool, TextPolicy(64), (1.0, 1.5, 0.9), answer_model=_answers(pool.names[::-1]))


def _answers(models: tuple[str, ...]) -> AnswerModel:
    n = len(models)
    levels = np.full((n, 2), 0.5)
    observation = ObservationModel(models, np.zeros(n), levels, levels, np.full((n, n, 3), 0.5), n_prompts=40)
    curve = Curve(10, np.array([0.0, 2.0]), np.array([0.25, 0.75]))
    return AnswerModel(observation, {"refusal": Calibration(curve)}, Fusion((0.0, 1.0, 1.0)))


def _record(models: tuple[str, ...]) -> ValidationRecord:
    random = np.random.default_rng(0)
    p, cost = (random.random((20, len(models))).astype(np.float32) for _ in range(2))
    paid = 1.5 * cost.astype(np.float64)
    return ValidationRecord.of(Scores(p, cost, models=models), p.astype(np.float64), paid)


def test_a_bundle_from_before_knows_the_seed_of_its_split(pool: Pool, tmp_path: Path) -> None:
    for name, trained_on, seed in (
        ("a", {"split_seed": 3, "options": {"seed": 5}}, 3),
        ("b", {"options": {"seed": 5}}, 5),
        ("c", {}, 0),
    ):
        description = BundleDescription(pool, TextPolicy(), (1, 1, 1), trained_on=trained_on)
        bundle = write_files(tmp_path / name, description, dict.fromkeys(LAYOUT.required, b""))
        assert (bundle.split().seed, bundle.split().parts) == (seed, {})


def test_a_split_that_says_nothing_is_refused(pool: Pool, tmp_path: Path) -> None:
    contents = dict.fromkeys(LAYOUT.required, b"") | {LAYOUT.split: b"{}"}
    bundle = write_files(tmp_path / "broken", BundleDescription(pool, TextPolicy(), (1, 1, 1)), contents)
    with pytest.raises(BundleError, match=r"split.json is not a split: KeyError"):
        bundle.split()
