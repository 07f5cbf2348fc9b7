"""Words that the field does not use, or that meant several things: what they are called now."""

from __future__ import annotations

import re
from pathlib import Path

RETIRED = {
    "trunks?": "encoder",
    "told|untold": "observed, inferred, reported or given",
    "guess(ed|es)? (domain|attribute|label)s?": "inferred",
    "experts?": "base learner",
    "exemplars?": "nearest neighbours",
    "blend(s|ed|ing)?": "stacking",
    "programmes?": "MILP",
    "ledgers?": "constraints",
    "prices? of (a|the) limits?": "dual price",
    "regret": "",
}
LEFT = {
    "export/older_formats.py": "reads bundles of before",
    "routoo/cli.py": "takes flags of before",
    "routoo/evaluation/metrics/perturbations.py": "words of a changed prompt",
    "benchmarks/orchestra.py": "a paper's own words",
    "docs/orchestra.md": "a paper's own words",
    "routoo/orchestra/pairs.py": "a paper's own words",
    "docs/results.md": "what was measured with parts that are gone",
}


def test_retired_words_stay_away(root: Path, files: list[Path]) -> None:
    retired = re.compile(rf"\b({'|'.join(RETIRED)})\b", re.IGNORECASE)
    read = {"data", "models", "solver", "export", "routoo", "benchmarks", "docs", "README.md"}
    named = {str(file.relative_to(root)): file for file in files if file.suffix in (".py", ".md")}
    assert named.keys() >= LEFT.keys()
    found = [
        f"{name}:{at}: {word[0]!r}"
        for name, file in named.items()
        if name.split("/")[0] in read and name not in LEFT
        for at, line in enumerate(file.read_text().splitlines(), 1)
        for word in [retired.search(line)]
        if word
    ]
    assert not found, f"say instead: {RETIRED}"
