"""A prompt on its way to a member: what is asked, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from routoo.data.chat import Prompt, prompt_text
from routoo.data.checks.arguments import name_list, number, same_length, text_of
from routoo.data.checks.batch import listed
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


def named_requests(
    prompts: Iterable[Prompt | Request], prompt_ids: Sequence[str] | None = None
) -> list[Request]:
    """The requests that a batch of prompts is, each with a name; those that are requests stay what they are.

    Args:
        prompts: Texts, chats, or requests.
        prompt_ids: Their names, ``0``, ``1`` and so on where they are left out.

    Raises:
        InputError: There is no prompt, or not one name a prompt.

    >>> [request.prompt_id for request in named_requests(["2 + 2?", Request("sum", "3 + 3?")])]
    ['0', 'sum']
    """
    asked = listed(prompts, "prompts", "texts")
    ids = name_list("prompt_ids", range(len(asked)) if prompt_ids is None else prompt_ids)
    same_length(prompts=asked, prompt_ids=ids)
    pairs = zip(ids, asked, strict=True)
    return [prompt if isinstance(prompt, Request) else Request(name, prompt) for name, prompt in pairs]


def check_distinct(requests: Sequence[Request]) -> None:
    """Refuses requests of which two have the same name.

    Raises:
        InputError: Two have.
    """
    if len({request.prompt_id for request in requests}) < len(requests):
        raise InputError("two prompts have the same prompt_id; give each one of its own")
