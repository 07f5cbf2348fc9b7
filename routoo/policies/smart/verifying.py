"""Whether a certificate follows from the calls it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from routoo.data.checks.arguments import path_of
from routoo.data.errors import InputError
from routoo.data.storage.files import read_regular
from routoo.export.manifest import to_json
from routoo.members.background import run_in_background
from routoo.policies.smart.calls import RecordedCalls
from routoo.policies.smart.certificate import FORMAT, Certificate
from routoo.policies.smart.record import Record
from routoo.policies.smart.run import SmartRun


def verify(path: str | Path) -> list[str]:
    """What of a certificate does not follow from its calls: nothing where it is right, else a line each.

    All of it is computed again from the journal beside it: the order from the seed, who differs from the
    reference by the same equivalence, the bounds, the stops, the policy, the fee. What a function or a judge
    said of answers is taken as it was recorded. Nobody is asked.

    Args:
        path: A ``certificate.json``.

    Raises:
        InputError: It is no certificate of this format, the journal is missing or damaged, or an answer that
            the run needs is not in it.
    """
    path = path_of("path", path)
    stated = _read(path)
    if not isinstance(stated.get("journal"), str):
        raise InputError(f"{path}: no journal was kept, and it cannot be checked")
    journal = path.with_name(Path(stated["journal"]).name)
    record = Record.read(journal)
    run = SmartRun(record.items, record.promise, record.predicted, RecordedCalls(record))
    run_in_background(run.to_end())
    found = json.loads(to_json(Certificate.of(run, record, journal).to_dict()))
    return list(_differences("", stated, found))


def _read(path: Path) -> dict[str, Any]:  # Any: a JSON document
    try:
        found = json.loads(read_regular(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); name the certificate.json in the folder of "
            "routoo smart"
        ) from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"{path}: expected a certificate of format {FORMAT}, as routoo smart writes it")
    return found


def _differences(at: str, stated: Any, found: Any) -> Iterator[str]:  # Any: nested values of JSON
    """A line for each value that is another."""
    if isinstance(stated, dict) and isinstance(found, dict):
        for name in dict.fromkeys([*stated, *found]):
            yield from _differences(f"{at}.{name}".lstrip("."), stated.get(name), found.get(name))
    elif isinstance(stated, list) and isinstance(found, list) and len(stated) == len(found):
        for place, (one, other) in enumerate(zip(stated, found, strict=True)):
            yield from _differences(f"{at}[{place}]", one, other)
    elif stated != found:
        yield f"{at}: stated {_short(stated)}, follows {_short(found)}"


def _short(value: Any) -> str:  # Any: as above
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
