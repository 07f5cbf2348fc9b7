"""The command line: parse, call the Python API, print; every error leaves by one door.

Exit codes: 0 done, 1 something else failed, 2 misuse (a flag, a file, a bundle, a missing extra),
3 no choice keeps the limits, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from routoo.commands.answer import answer
from routoo.commands.assign import assign
from routoo.commands.batch import batch
from routoo.commands.collect import collect
from routoo.commands.contract import contract
from routoo.commands.data import data
from routoo.commands.demo import demo
from routoo.commands.distill import distill
from routoo.commands.evaluate import evaluate
from routoo.commands.export import export
from routoo.commands.lab import lab
from routoo.commands.model import model
from routoo.commands.pool import pool
from routoo.commands.predict import predict
from routoo.commands.sater import sater
from routoo.commands.select import select
from routoo.commands.smart import smart, verify
from routoo.commands.train import train
from routoo.data.errors import BundleError, InfeasibleError, InputError, MissingExtraError, RoutooError

_VERBS: dict[str, Callable[..., None] | typer.Typer] = {
    "demo": demo,
    "data": data,
    "pool": pool,
    "collect": collect,
    "train": train,
    "distill": distill,
    "model": model,
    "export": export,
    "evaluate": evaluate,
    "contract": contract,
    "predict": predict,
    "select": select,
    "assign": assign,
    "answer": answer,
    "batch": batch,
    "smart": smart,
    "verify": verify,
    "sater": sater,
    "lab": lab,
}

MISUSE, INFEASIBLE, INTERRUPTED, FAILED = 2, 3, 130, 1


class _Door(TyperGroup):
    """The way out: an error becomes words on standard error and an exit code."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The verbs in the order in which a newcomer needs them."""
        return list(_VERBS)

    def invoke(self, ctx: Any) -> Any:  # Any: the context is of typer's own copy of click
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # a closed pipe is noticed here, and not when the interpreter ends
        except RoutooError as error:
            raise _leave(str(error), _exit_code(error)) from None
        except KeyboardInterrupt as interrupt:
            raise _leave(str(interrupt) or "interrupted", INTERRUPTED) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.errno is None:
                raise
            where = "" if error.filename is None else f"{error.filename}: "
            raise _leave(f"{where}{error.strerror}", FAILED) from None
        return result


def _exit_code(error: RoutooError) -> int:
    if isinstance(error, InfeasibleError):
        return INFEASIBLE
    return MISUSE if isinstance(error, InputError | BundleError | MissingExtraError) else FAILED


def _leave(words: str, code: int) -> typer.Exit:
    typer.secho("routoo: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(words, err=True)
    return typer.Exit(code)


def _unwrapped(text: str) -> str:
    """The text with a line a paragraph, which the terminal wraps: typer joins those of the first one only."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


_FORMER_FLAGS = {
    "trunk": "encoder",
    "trunk-learning-rate": "encoder-learning-rate",
    "label": "attribute",
    "tell-labels": "observed-attributes",
    "tell-attributes": "observed-attributes",
    "tell-domains": "observed-domains",
    "domain-weight": "attribute-weight",
}
"""Flags of before by what they are called now: scripts go on to work, and help speaks of one name."""

app = typer.Typer(
    cls=_Door,
    name="routoo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["--help", "-h"],
        "token_normalize_func": lambda name: _FORMER_FLAGS.get(name, name),
    },
)
for _name, _verb in _VERBS.items():
    if isinstance(_verb, typer.Typer):
        for _below in _verb.registered_commands:
            _below.help = _unwrapped((_below.callback and _below.callback.__doc__) or "")
        app.add_typer(_verb, name=_name)
    else:
        app.command(_name, help=_unwrapped(_verb.__doc__ or ""))(_verb)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"routoo {version('routoo')}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Send every prompt to the model that should answer it, under a budget for the whole batch."""


def main() -> None:
    """Runs the command line of this process; leaves by SystemExit."""
    if sys.stdout is None:  # the shell closed it: `routoo ... >&-`
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  open to the end of the process
    try:
        app()
    except SystemExit as left:
        if not isinstance(left.__context__, BrokenPipeError):
            raise
        raise SystemExit(0) from None  # the reader has all that it wanted: `routoo --help | head -1`
    finally:
        try:
            sys.stdout.flush()
        except OSError:  # the reader has gone, or the disk is full: what is left in the buffer goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
