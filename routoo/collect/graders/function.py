"""Grades by a function of the user's own."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from routoo.collect.graders.grader import NO_ANSWER, Reference, given
from routoo.data.checks.arguments import number, path_of, text_of
from routoo.data.checks.came import came
from routoo.data.errors import InputError
from routoo.data.grade import Grade


@dataclass(frozen=True)
class FunctionGrader:
    """What a function in a file of yours says of an answer: true or false, a score in [0, 1], or a `Grade`.

    It is called as ``function(answer, reference)`` with the text of an answer that is not blank and its
    `Reference`. Where it raises, the answer has no score, and the reason is the exception's type alone, since
    its text may hold the prompt. The file is run when the grader is made.

    Args:
        path: The file.
        function: The name of the function in it.

    Raises:
        InputError: The file cannot be run, or has no such function; later, it returned something else.
    """

    path: str
    function: str
    call: Callable[[str, Reference], object] = field(init=False, repr=False, compare=False)
    sha256: str = field(init=False, repr=False)

    name: ClassVar[str] = "function"

    def __post_init__(self) -> None:
        path = path_of("path", self.path)
        try:
            source = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: the grader cannot be read: {error.strerror}") from None
        digest = hashlib.sha256(source).hexdigest()
        call = getattr(_loaded(path, digest), text_of("function", self.function), None)
        if not callable(call) or inspect.iscoroutinefunction(call):
            raise InputError(f"{path} has no function {self.function} that can be called without await")
        object.__setattr__(self, "path", str(path))
        object.__setattr__(self, "call", call)
        object.__setattr__(self, "sha256", digest)

    def grade(self, answer: str | None, reference: Reference) -> Grade:
        """See `Grader.grade`."""
        text = given(answer)
        if answer is None or not text:
            return NO_ANSWER
        try:
            said = self.call(answer, reference)
        except Exception as error:
            return Grade(None, f"{self.function} raised {type(error).__name__}")
        return self._grade_of(said)

    def describe(self) -> dict[str, Any]:
        """See `Grader.describe`; the hash says which version of the file graded."""
        return {"grader": self.name, "path": self.path, "function": self.function, "sha256": self.sha256}

    def _grade_of(self, said: object) -> Grade:
        """The grade that was returned, or that a truth value or a number stands for."""
        if isinstance(said, Grade):
            return said
        if isinstance(said, bool | np.bool_):
            return Grade(float(said))
        if isinstance(said, Real):
            return Grade(number(f"what {self.function} returns", said, most=1))
        raise InputError(
            f"{self.function} in {self.path} must return true or false, a number in [0, 1] or a Grade, "
            f"got {came(said)}"
        )


def _loaded(path: Path, digest: str) -> ModuleType:
    """The file as a module under a name of its own, so that it hides no other."""
    name = f"routoo_grader_{digest[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: a grader is a file of Python, and ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look there for the types of their fields
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise InputError(f"{path}: the grader cannot be run: {type(error).__name__}: {error}") from error
    return module
