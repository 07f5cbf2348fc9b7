"""How files are read: the options of every verb that takes outcomes or prompts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routoo.commands.terminal import say

if TYPE_CHECKING:
    from routoo.data.outcomes import Outcomes

PANEL = "How files are read"

_Columns = Annotated[
    str | None,
    typer.Option(
        metavar="OURS=THEIRS,...",
        help="What the file calls its columns, such as prompt=question,model=llm,score=correct.",
        show_default="as here",
        rich_help_panel=PANEL,
    ),
]
_Separator = Annotated[
    str | None,
    typer.Option(
        metavar="MARK",
        help="What separates the fields of a CSV: comma, semicolon, tab, bar or the character.",
        show_default="what its header has most of",
        rich_help_panel=PANEL,
    ),
]
_ScoreColumns = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,...",
        help="Columns that hold the scores of a model each, in a table with a row a prompt.",
        show_default="those of true and false",
        rich_help_panel=PANEL,
    ),
]
_Average = Annotated[
    bool,
    typer.Option(
        "--average",
        help="Take the means of several outcomes of a model on a prompt.",
        rich_help_panel=PANEL,
    ),
]


@dataclass(frozen=True)
class PromptsReading:
    """How a file of prompts is read."""

    columns: _Columns = None
    separator: _Separator = None

    @property
    def given(self) -> bool:
        """Whether any of the options was given."""
        return self != type(self)()

    @property
    def names(self) -> dict[str, str]:
        """What the file calls its columns, by our names."""
        from routoo.data.tables.column_names import named_columns

        return {} if self.columns is None else named_columns(self.columns)


@dataclass(frozen=True)
class OutcomesReading(PromptsReading):
    """How a file of outcomes is read."""

    score_columns: _ScoreColumns = None
    average: _Average = False

    def outcomes(self, source: Path, *, quiet: bool = False) -> Outcomes:
        """The outcomes in a folder or file; what was decided in reading is said."""
        from routoo.data.outcomes import Outcomes

        models = [name for part in (self.score_columns or "").split(",") if (name := part.strip())]
        return Outcomes.read(
            source,
            columns=self.names,
            separator=self.separator,
            score_columns=models,
            average=self.average,
            on_remark=lambda words: say(words, quiet=quiet),
        )
