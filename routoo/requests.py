"""Prompts to be routed, with what a router can read of their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from routoo.data.domains import Attributes
    from routoo.data.progress import Progress
    from routoo.data.scores import Scores
    from routoo.data.tables.prompts import Prompts
    from routoo.router import Router


@dataclass(frozen=True, eq=False)
class Requests:
    """Prompts to be routed, with the attributes that a router learned and their source knows.

    Args:
        prompts: The prompts.
        attributes: Values of the attributes.
        tags: Tags that a model needs for each prompt, where the source has a column for them.
        deadlines_s: Seconds within which each prompt is to be answered, likewise.
    """

    prompts: Prompts
    attributes: Attributes
    tags: Sequence[Sequence[str]] | None = None
    deadlines_s: Sequence[float] | None = None

    @classmethod
    def of(cls, prompts: Prompts, router: Router) -> Requests:
        """The prompts of a table, with what the router knows to read of its columns (`columns_read`)."""
        from routoo.data.tables.deadlines import DEADLINE, deadlines_of
        from routoo.data.tables.required_tags import TAGS, tags_of

        cells = prompts.attributes([TAGS, DEADLINE])
        return cls(
            prompts,
            prompts.attributes([attribute.name for attribute in router.attributes]),
            tags_of(cells[TAGS]) if TAGS in cells else None,
            deadlines_of(cells[DEADLINE], prompts.source) if DEADLINE in cells else None,
        )

    def predicted(self, router: Router, progress: Progress | None = None) -> Scores:
        """What the router predicts of them."""
        asked = self.prompts
        return router.predict(
            asked.texts,
            domains=asked.domains,
            attributes=self.attributes,
            prompt_ids=asked.ids,
            progress=progress,
        )

    def table(self, scores: Scores) -> pl.DataFrame:
        """Predictions with tags and deadlines of their prompts, so that a choice from them heeds these."""
        import polars as pl

        from routoo.data.tables.deadlines import DEADLINE, deadlines_beside
        from routoo.data.tables.required_tags import TAGS

        frame, needs = scores.to_polars(), dict[str, object]()
        if self.tags is not None and any(self.tags):
            needs[TAGS] = [",".join(tags) for tags in self.tags]
        if (deadlines_s := deadlines_beside(self.deadlines_s, None)) is not None:
            needs[DEADLINE] = deadlines_s
        if not needs:
            return frame
        needed = pl.DataFrame({"prompt_id": self.prompts.ids, **needs})
        return frame.join(needed, on="prompt_id", how="left", maintain_order="left")


def columns_read(router: Router) -> list[str]:
    """Further columns of a table of prompts that a router reads: its attributes, tags, and deadlines."""
    from routoo.data.tables.deadlines import DEADLINE
    from routoo.data.tables.required_tags import TAGS

    return [*(attribute.name for attribute in router.attributes), TAGS, DEADLINE]
