"""The shipped record: what the lab's members answered, measured and graded once."""

from __future__ import annotations

from importlib.resources import as_file, files

from routoo.data.outcomes import Outcomes

RECORD = "record"


def lab_outcomes() -> Outcomes:
    """Measured outcomes of the lab's members on its prompts, their answers and signals included.

    Real answers of real small models: scores, tokens, seconds and signals were measured; prices follow from
    the models' sizes (`routoo.lab.members.lab_pool`). `routoo lab record` measures them again.

    >>> outcomes = lab_outcomes()
    >>> len(outcomes) >= 3000, "qwen-1.5b" in outcomes.models
    (True, True)
    """
    with as_file(files("routoo.lab") / RECORD) as folder:
        return Outcomes.read(folder)
