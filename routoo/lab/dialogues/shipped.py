"""The shipped record: what models said to the turns of some dialogues, measured and graded once."""

from __future__ import annotations

from importlib.resources import as_file, files

from routoo.data.outcomes import Outcomes

RECORD, NAME = "record", "lab dialogues"


def lab_dialogues() -> Outcomes:
    """Measured outcomes of `MEMBERS` on most of `recorded_turns`, their answers and signals included.

    A score is 1 where the predicted change is exactly the right one. Each model was given the right state
    before the turn. `routoo.lab.dialogues.members.record_dialogues` measures them again.

    >>> outcomes = lab_dialogues()
    >>> outcomes.models
    ('qwen-0.5b-turns', 'qwen-1.5b-turns', 'smol-turns')
    """
    with as_file(files("routoo.lab.dialogues") / RECORD) as folder:
        return Outcomes.read(folder, name=NAME)
