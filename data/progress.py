"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with what is done and all that there is, in prompts unless it says otherwise."""

Stages = Callable[[str, int, int], None]
"""The same, called with the stage first."""
