"""A prompt on its way to a member: what is asked, and what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass

from routoo.data.chat import Prompt, prompt_text
from routoo.data.checks.arguments import name_list, number, text_of
from routoo.data.errors import InputError

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, eq=False)
class Request:
    """One prompt for a member to answer.

    Args:
        prompt_id: Its name.
        prompt: Text, or a whole chat request (`routoo.data.chat.Prompt`), which is passed on unchanged but
            for the model.
        options: What there is to choose from, in order; a member is shown them with a letter each.
        sample: The number of its answer among several to the same prompt, from 0; the answer bears it.
        key: Idempotency key: a provider that knows such keys bills two requests of one key once.

    Raises:
        InputError: The prompt is neither text nor a chat, or is blank; there is one option, or more than 26.

    >>> Request("q1", "Which is a river?", options=("Rhine", "Alps")).letters
    ('A', 'B')
    """

    prompt_id: str
    prompt: Prompt
    options: tuple[str, ...] = ()
    sample: int = 0
    key: str | None = None

    def __post_init__(self) -> None:
        text_of("prompt_id", self.prompt_id)
        number("sample", self.sample, whole=True)
        if self.key is not None:
            text_of("key", self.key)
        if not self.text.strip():
            raise InputError(f"prompt {self.prompt_id}: expected text, got a blank one")
        options = name_list(f"prompt {self.prompt_id}: options", self.options)
        if len(options) == 1 or len(options) > len(_LETTERS):
            raise InputError(
                f"prompt {self.prompt_id}: expected 2 to {len(_LETTERS)} options or none, got {len(options)}"
            )
        object.__setattr__(self, "options", options)

    @property
    def text(self) -> str:
        """The text that routers score (`prompt_text`)."""
        return prompt_text(self.prompt, f"prompt {self.prompt_id}")

    @property
    def letters(self) -> tuple[str, ...]:
        """A letter an option, from ``A`` on."""
        return tuple(_LETTERS[: len(self.options)])
