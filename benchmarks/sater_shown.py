"""Tables and the figure of what trainings of SATER came to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl
from sater_judged import Figures, Ground, Judged, Rows

RESAMPLES = 2000


def show(name: str, runs: Sequence[Judged], figures: Callable[[Judged, Rows], Figures], n: int) -> None:
    """Prints means over trainings, their least and largest, and 95 % intervals over resampled prompts."""
    everyone, draw = np.arange(n), np.random.default_rng(0)
    found = [figures(run, everyone) for run in runs]
    resampled = [
        [figures(run, rows) for run in runs] for rows in (draw.integers(n, size=n) for _ in range(RESAMPLES))
    ]
    print(f"\n{name}")
    for key in found[0]:
        values = [one[key] for one in found]
        means = [np.mean([one[key] for one in several]) for several in resampled]
        low, high = np.nanquantile(means, [0.025, 0.975])
        seeds = f"  trainings {min(values):.3f} to {max(values):.3f}" if len(runs) > 1 else ""
        print(f"  {key:45} {np.mean(values):8.3f}  95 % {low:.3f} to {high:.3f}{seeds}")


def save(runs: Sequence[Judged], n: int, ratio: float, path: Path) -> None:
    """Draws what the threshold does to greedy answers, and what each way of routing costs and achieves."""
    everyone = np.arange(n)
    answers = (
        pl.DataFrame(
            {"threshold": float(key.split(":")[0]), "share": value, "of": key.split(": ")[1]}
            for run in runs
            for key, value in run.answers(everyone).items()
            if key.endswith((": refused", ": right where answered"))
        )
        .group_by("threshold", "of")
        .agg(pl.col("share").mean(), low=pl.col("share").min(), high=pl.col("share").max())
    )
    threshold = alt.X("threshold:Q", title="threshold")
    share = alt.Y("share:Q", title="share of prompts", scale=alt.Scale(domain=[0, 1]))
    colour = alt.Color("of:N", title=None)
    left = alt.layer(
        alt.Chart(pl.DataFrame({"threshold": [0, 1], "share": [0, 1]}))
        .mark_line(strokeDash=[4, 4], color="grey")
        .encode(x=threshold, y=share),
        alt.Chart(answers)
        .mark_errorbar()
        .encode(x=threshold, y=alt.Y("low:Q", title="share of prompts"), y2="high:Q", color=colour),
        alt.Chart(answers).mark_line(point=True).encode(x=threshold, y=share, color=colour),
    ).properties(width=300, height=260, title="greedy answers")
    points = []
    for at, run in enumerate(runs):
        ground = Ground(run.plain, run.large_right, run.large_usd * ratio)
        two = ground.rows(everyone)
        for name, several in (*run.ways.items(), ("at random", [])):
            ways = [two.small, two.large, *(ground.point(way, everyone) for way in several)]
            points += [
                {"way": name, "run": at, "cost": way.cost / two.large.cost, "score": way.score}
                for way in ways
            ]
    right = (
        alt.Chart(pl.DataFrame(points))
        .mark_line(point=True, clip=True)
        .encode(
            x=alt.X("cost:Q", title="cost, of the large model's alone", scale=alt.Scale(domain=[0, 1.1])),
            y=alt.Y("score:Q", title="right", scale=alt.Scale(zero=False)),
            color=alt.Color("way:N", title=None),
            detail="run:N",
        )
        .properties(width=380, height=260, title="routing with the large model")
    )
    alt.hconcat(left, right).resolve_scale(color="independent").save(path)
