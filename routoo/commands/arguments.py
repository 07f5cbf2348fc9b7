"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from routoo.data.errors import InputError

Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="Recorded outcomes: a folder with prompts.parquet and outcomes.parquet, or a file "
        "(Parquet, CSV, JSON lines).",
        show_default=False,
    ),
]
_FOLDER = typer.Option("--output", "-o", metavar="FOLDER", help="Folder to write.", show_default=False)
RequiredFolder = Annotated[Path, _FOLDER]
OutputFolder = Annotated[Path | None, _FOLDER]
LastArgument = Annotated[Path | None, typer.Argument(metavar="FOLDER", hidden=True)]
"""The same, as the last argument: short for -o."""
LabPrompts = Annotated[
    int | None,
    typer.Option(
        "--prompts", metavar="N", help="How many prompts of the record.", show_default="all of them"
    ),
]
Bundle = Annotated[
    str,
    typer.Argument(
        metavar="BUNDLE", help="Folder that `routoo export` wrote, or an id at the hub.", show_default=False
    ),
]
PromptsFiles = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PROMPTS|-",
        help="Prompts: .txt (one a line), .jsonl, .csv or .parquet with a column prompt (or messages), and "
        "where known domain and the attributes that the router learned; - is standard input, text or JSON "
        "lines. Several .parquet files, a folder of them, a pattern or an address (s3://..., as fsspec knows "
        "it) are streamed: memory holds a part.",
        show_default=False,
    ),
]
Models = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Models that may be chosen.", show_default="the whole pool"),
]
PoolFile = Annotated[
    Path | None,
    typer.Option(
        "--pool",
        metavar="FILE",
        help="Other prices, or fewer models: a pool.toml, or a JSON price list.",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(metavar="N", help="Threads to predict with.", show_default="all cores of this process"),
]
Tag = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Tag that a model must have in the pool to be chosen; may be repeated, all are needed.",
        show_default=False,
    ),
]
Confidence = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Choose by the score that each model exceeds with this confidence, such as 0.9.",
        show_default="by the expected score",
    ),
]
Contract = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Choose at the price of a contract that `routoo contract` wrote; once it lapsed, its reference.",
        show_default=False,
    ),
]
RecordedAnswers = Annotated[
    Path | None,
    typer.Option(
        "--answers",
        metavar="FILE|FOLDER",
        help="Recorded answers (.parquet) or outcomes that answer in the place of calls.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Seed of all that is drawn.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, and nothing else there.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on standard error but what goes wrong.")]
TableFile = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Table to write: .parquet, .csv or .jsonl; for a batch of files a .parquet or a folder, here or "
        "at an address.",
        show_default=False,
    ),
]


def folder_to_write(output: Path | None, last: Path | None) -> Path:
    """The folder that -o names, or the last argument in its place.

    Raises:
        InputError: Neither names one, or both do.
    """
    given = [folder for folder in (output, last) if folder is not None]
    if len(given) != 1:
        raise InputError(f"name the folder to write{' once' if given else ''}: -o FOLDER")
    return given[0]
