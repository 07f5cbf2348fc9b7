"""The shipped record: what the lab's members answered, measured and graded once."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import as_file, files

from routoo.data.checks.arguments import number
from routoo.data.outcomes import Outcomes

RECORD, NAME = "record", "lab"


def lab_outcomes(n_prompts: int | None = None) -> Outcomes:
    """Measured outcomes of the lab's members on its prompts, their answers and signals included.

    Real answers of real small models: scores, tokens, seconds and signals were measured; prices follow from
    the models' sizes (`routoo.lab.members.lab_pool`). `routoo lab record` measures them again.

    Args:
        n_prompts: How many prompts, families in turn; all of them when not given.

    Raises:
        InputError: There are fewer prompts.

    >>> outcomes = lab_outcomes()
    >>> len(outcomes) >= 3000, "qwen-1.5b" in outcomes.models
    (True, True)
    """
    with as_file(files("routoo.lab") / RECORD) as folder:
        outcomes = Outcomes.read(folder)
    if n_prompts is None:
        return replace(outcomes, name=NAME)
    number("n_prompts", n_prompts, least=1, most=len(outcomes), whole=True)
    prompts = outcomes.prompts.head(n_prompts)
    return Outcomes(prompts, outcomes.outcomes.join(prompts, on="prompt_id", how="semi"), NAME)
