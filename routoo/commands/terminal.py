"""What a command says: results on standard output, progress and remarks on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from routoo.data.progress import Progress, Stages

LINE_EVERY_S = 10.0
"""Seconds between lines of progress, where there is no terminal."""

_PLAIN = str.maketrans({"–": "-", "—": "-", "±": "~", "×": "x", "…": ".", "\xa0": " "})
"""Signs of tables and sentences by one of ASCII each, so that columns stay in line."""

_PIPE_WIDTH = 160  # columns of a table where no terminal says how many there are
_LEAST_WIDTH = 80  # of a table on a terminal: one that is narrower wraps its lines, and no figure is cut


def show(*results: RenderableType) -> None:
    """Prints results for people on standard output; rich colours them where that is a terminal.

    Elsewhere a sentence is one line, however long, so that a command or path in it can be copied or found.
    """
    from rich.console import Console

    terminal = Console()
    width = max(terminal.width, _LEAST_WIDTH) if terminal.is_terminal else _PIPE_WIDTH
    console = Console(highlight=False, markup=False, width=width)
    with console.capture() as printed:
        for result in results:
            if isinstance(result, str):
                console.print(result, width=terminal.width, soft_wrap=not terminal.is_terminal)
            else:
                console.print(result)
    sys.stdout.write(_in_encoding(printed.get(), console.encoding))


def _in_encoding(text: str, encoding: str) -> str:
    """The text as a stream of this encoding can print it: by ASCII of the same look where it has no sign."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text


def show_json(document: Mapping[str, Any]) -> None:  # Any: a JSON document
    """Prints the one JSON document that a command's standard output then is; NaN becomes null."""
    from routoo.export.manifest import to_json

    sys.stdout.write(to_json(document).decode())


def say(words: str, *, quiet: bool = False) -> None:
    """Prints a remark on standard error, unless all is to be quiet."""
    if not quiet:
        print(words, file=sys.stderr, flush=True)


def is_watched(*, quiet: bool = False) -> bool:
    """Whether somebody sees bars of progress."""
    return not quiet and sys.stderr.isatty()


@contextmanager
def stages(*, quiet: bool = False) -> Iterator[Stages | None]:
    """Tells how far each of several stages is on standard error; None where all is to be quiet.

    A terminal gets a bar, which goes away when a stage is done, so that what comes after may draw its own; a
    file gets a line now and then of a stage that takes long.
    """
    if quiet:
        yield None
        return
    if not is_watched():
        yield _Lines().tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    bars = Bars(*columns, console=Console(stderr=True), transient=True)
    task = bars.add_task("", total=None)

    def tell(stage: str, done: int, total: int) -> None:
        bars.update(task, description=stage, completed=done, total=total)
        if done < total:
            bars.start()
        else:
            bars.stop()

    try:
        yield tell
    finally:
        bars.stop()


class _Lines:
    """Lines that say how far a stage is, ten seconds apart at least."""

    def __init__(self) -> None:
        self._stage, self._started, self._said = "", 0.0, 0.0

    def tell(self, stage: str, done: int, total: int) -> None:
        """Says it where the last line is old enough."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started, self._said = stage, now, now
        if now - self._said < LINE_EVERY_S or not done:
            return
        self._said = now
        left = (now - self._started) / done * (total - done)
        say(f"{stage}: {done:,} of {total:,}, some {left:,.0f} s left")


@contextmanager
def progress(label: str, *, quiet: bool = False) -> Iterator[Progress | None]:
    """The same for a single stage."""
    with stages(quiet=quiet) as tell:
        yield None if tell is None else lambda done, total: tell(label, done, total)


def table(columns: Sequence[str], rows: Sequence[Sequence[str | None]], *, texts: int = 1) -> Table:
    """A table whose first columns are text and whose others are figures; None is shown as a dash."""
    from rich import box
    from rich.table import Table

    from routoo.evaluation.in_words import UNDEFINED

    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for at, heading in enumerate(columns):
        is_text = at < texts
        grid.add_column(heading, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text)
    for row in rows:
        grid.add_row(*(UNDEFINED if cell is None else cell for cell in row))
    return grid


def table_of_known(*columns: tuple[str, Sequence[str | None]]) -> Table:
    """The same of columns with their headings; those in which nothing is known are left out."""
    known = [(heading, cells) for heading, cells in columns if any(cell is not None for cell in cells)]
    return table([heading for heading, _ in known], list(zip(*(cells for _, cells in known), strict=True)))


def counted(number: int, noun: str) -> str:
    """A number of things in words.

    >>> counted(1, "prompt"), counted(1200, "prompt")
    ('1 prompt', '1,200 prompts')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def figure(value: float | None, form: str) -> str | None:
    """A number in this form; None where there is none."""
    return None if value is None else format(value, form)


def percent(share: float) -> str:
    """A share in percent.

    >>> percent(0.5784)
    '57.8 %'
    """
    return f"{100 * share:.1f} %"


def seconds(value: float | None) -> str | None:
    """A time in seconds to two digits, or to the hundredth.

    >>> seconds(0.0031415), seconds(0.5), seconds(12.345)
    ('0.0031', '0.50', '12.35')
    """
    return figure(value, ".2f" if value is None or value >= 1 else "#.2g")


def usd(value: float | None) -> str | None:
    """An amount of money in USD to four digits, or to the cent.

    >>> usd(0.000282087), usd(2.0094), usd(1234567.8)
    ('0.0002821', '2.009', '1,234,567.80')
    """
    if value is None:
        return None
    if value >= 100:
        return f"{value:,.2f}"
    text = f"{value:#.4g}"
    return f"{value:.{3 + int(text.partition('e-')[2])}f}" if "e-" in text else text
