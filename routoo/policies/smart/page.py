"""A certificate as one HTML page that needs no network."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from pathlib import Path

from routoo.data.storage.files import write_atomically
from routoo.evaluation.in_words import dollars
from routoo.policies.smart.certificate import Certificate

_LEFT, _RIGHT, _TOP, _BOTTOM = 50.0, 630.0, 12.0, 234.0
_COLOURS = 6


@dataclass(frozen=True)
class Line:
    """The bound of a candidate, look by look, and where it ends; dashed where its colour is another's too."""

    name: str
    colour: str
    dashed: bool
    points: str
    x: float
    y: float


@dataclass(frozen=True)
class Chart:
    """Bounds by items profiled, in the units of the picture."""

    delta: float
    shares: list[tuple[str, float]]
    lines: list[Line]


def write_page(certificate: Certificate, path: Path) -> None:
    """Writes the page, in one step.

    Raises:
        OSError: It cannot be written.
    """
    write_atomically(path, render_page(certificate).encode())


def render_page(certificate: Certificate) -> str:
    """The page; it needs jinja2, of extra `report`."""
    import jinja2

    source = (
        importlib.resources.files("routoo.policies.smart").joinpath("certificate.html").read_text("utf-8")
    )
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return page.from_string(source).render(
        c=certificate,
        shown=_shown(certificate),
        tiles=_tiles(certificate),
        rows=_rows(certificate),
        chart=_chart(certificate),
        facts=_facts(certificate),
    )


def _tiles(c: Certificate) -> list[tuple[str, str]]:
    return [
        (
            f"{abs(c.saved):.1%}",
            "of the reference's fee saved" if c.saved >= 0 else "more than the reference alone",
        ),
        (f"{dollars(c.spent_usd)} USD", f"spent; the reference alone {dollars(c.reference_usd)}"),
        (f"{c.profiled:,}", f"of {c.items:,} items profiled"),
        (f"{c.allowed:,}", "answers may differ"),
    ]


def _rows(c: Certificate) -> list[list[str]]:
    last, reference = c.looks[-1], c.promise.reference
    rows = [
        [
            f"{reference} (reference)",
            f"{c.answered[reference]:,}",
            "",
            "",
            dollars(1000 * last.cost_usd[reference]),
        ]
    ]
    for name in c.promise.candidates:
        seen = ["", ""] if c.promise.prices else _seen(c, name)
        rows.append([name, f"{c.answered[name]:,}", *seen, dollars(1000 * last.cost_usd[name])])
    return rows + [[name, "", *_seen(c, name), ""] for name in _shown(c) if c.promise.prices]


def _seen(c: Certificate, policy: str) -> list[str]:
    """How often it differed, and its bound."""
    last, unbounded = c.looks[-1], c.unbounded(policy)
    differed = "" if unbounded in ("not cheaper", "not profiled") else f"{last.differed[policy]:,}"
    return [differed, unbounded or f"{(last.most[policy] or 0) / c.items:.1%}"]


def _shown(c: Certificate) -> tuple[str, ...]:
    """The policies that are shown: of a router's the one that was taken, and those beside it."""
    names = c.promise.policies
    if c.promise.prices is None:
        return names
    taken = next((at for at, name in enumerate(names) if c.policy[name]), 0)
    first = max(0, min(taken - _COLOURS // 2 + 1, len(names) - _COLOURS))
    return names[first : first + _COLOURS]


def _chart(c: Certificate) -> Chart | None:
    """The picture; None where fewer than two looks showed anything."""
    if sum(look.seen > 0 for look in c.looks) < 2:
        return None
    bounds = {
        name: [(look.seen, most) for look in c.looks if (most := look.most[name]) is not None and look.seen]
        for name in _shown(c)
    }
    ends = [line[-1][1] / c.items for line in bounds.values() if line]
    highest = min(1.0, 3 * max([c.promise.delta, *ends]) + 0.01)

    def y(share: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * min(share / highest, 1.0), 1)

    def x(seen: int) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * seen / c.profiled, 1)

    lines = [
        Line(
            name,
            f"var(--line-{at % _COLOURS + 1})",
            at % (2 * _COLOURS) >= _COLOURS,
            " ".join(f"{x(seen)},{y(most / c.items)}" for seen, most in bounds[name]),
            x(bounds[name][-1][0]),
            y(bounds[name][-1][1] / c.items),
        )
        for at, name in enumerate(name for name in _shown(c) if bounds[name])
    ]
    shares = [(f"{100 * share:.3g}%", y(share)) for share in (0.0, highest / 2, highest)]
    return Chart(y(c.promise.delta), shares, lines)


def _facts(c: Certificate) -> list[tuple[str, str]]:
    same = f", {c.distinct:,} of them different" if c.distinct < c.items else ""
    facts = [
        ("items", f"{c.items:,}{same}; SHA-256 {c.data_sha256}"),
        ("order", f"random, seed {c.seed}"),
        ("same answers", c.equivalence),
        ("method", c.promise.method),
        ("looks", f"{len(c.looks):,}"),
        ("items left to", c.rule),
        ("answers", f"SHA-256 {c.answers_sha256}"),
    ]
    if c.lost or c.unknown:
        words = f"{c.lost:,} lost in a kill, {c.unknown:,} of unknown cost: they count as the most possible"
        facts.append(("calls", words))
    if c.journal is not None:
        facts.append(("calls are in", f"{c.journal}, SHA-256 {c.journal_sha256}"))
        facts.append(("check", "routoo verify certificate.json"))
    return facts
