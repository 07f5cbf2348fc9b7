"""Joint goal accuracy: of single turns, and of the states that they add up to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.collect.graders.json_fields import json_object, same
from routoo.data.checks.arguments import same_length
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.orchestra.turn import aggregated, required_state

Flags = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class JointGoal:
    """What was right in dialogues that were answered by models in turns.

    Args:
        turn: Whether the change that was predicted is the right one, ``(n_turns,)``: TLB.
        state: Whether the state, all predicted changes so far together, is right after the turn: DST.
        dialogue: The dialogue of each turn, numbered, likewise.
    """

    turn: Flags
    state: Flags
    dialogue: Positions

    @property
    def by_turn(self) -> float:
        """Share of the turns whose change is right."""
        return float(self.turn.mean())

    @property
    def by_state(self) -> float:
        """Share of the turns after which the state is right."""
        return float(self.state.mean())


def joint_goal(outcomes: Outcomes, chosen: Positions) -> JointGoal:
    """The joint goal accuracy of some choice of models, by their recorded answers.

    Answers are read, and values compared, as the grader ``json`` does. Where models were recorded with the
    right state before each turn, as the lab's were, a change is what a model says that has made no mistake so
    far; states add up the changes that were predicted.

    Args:
        outcomes: Turns with `dialogue`, `turn` and `answer` (the right change, as JSON), and responses.
        chosen: Column of the model of each turn, in the order of `outcomes.models`, ``(n_turns,)``.

    Raises:
        InputError: A column is missing, there is not one choice a turn, or an answer is no JSON of slots.

    >>> turns = {"prompt_id": ["a", "b"], "prompt": ["?", "!"], "dialogue": ["d", "d"], "turn": [0, 1]}
    >>> right = ['{"day": "friday"}', '{"people": "2"}']
    >>> runs = {"prompt_id": ["a", "b"], "model": ["small"] * 2, "score": [0, 1]}
    >>> said = ['{"day": "monday"}', '{"people": 2}']
    >>> record = Outcomes(pl.DataFrame({**turns, "answer": right}), pl.DataFrame({**runs, "response": said}))
    >>> found = joint_goal(record, np.array([0, 0]))
    >>> found.by_turn, found.by_state
    (0.5, 0.0)
    """
    missing = [name for name in ("dialogue", "turn", "answer") if name not in outcomes.prompts.columns]
    if missing:
        raise InputError(f"{outcomes.name}: joint goals need the columns {', '.join(missing)} of the prompts")
    same_length(turns=outcomes.prompt_ids, chosen=chosen)
    said = [row[at] for row, at in zip(outcomes.responses(), chosen, strict=True)]
    turns = outcomes.prompts.select(
        "dialogue", pl.col("turn").cast(pl.Int64), "answer", row=pl.int_range(pl.len()), said=pl.Series(said)
    )
    turn, state = np.zeros(len(outcomes), bool), np.zeros(len(outcomes), bool)
    dialogue = turns["dialogue"].rank("dense").to_numpy().astype(np.intp) - 1
    for _, rows in turns.sort("turn").group_by("dialogue"):
        right = [required_state(text, "an answer") for text in rows["answer"]]
        predicted = [json_object(text) for text in rows["said"]]
        at = rows["row"].to_numpy()
        turn[at] = [same(said, wanted) for said, wanted in zip(predicted, right, strict=True)]
        states = zip(aggregated(predicted), aggregated(right), strict=True)
        state[at] = [same(said, wanted) for said, wanted in states]
    return JointGoal(turn, state, dialogue)
