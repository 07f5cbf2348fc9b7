"""The batch endpoints of the accounts that a pool's members have, each opened once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Self

from routoo.batch import anthropic, openai
from routoo.batch.client import Client, key_of
from routoo.batch.endpoint import Endpoint
from routoo.batch.forms import ANTHROPIC, form_of
from routoo.data.pool import PoolModel


class Endpoints:
    """Opens endpoints when they are first needed, and closes them all.

    Args:
        environment: Where keys are looked for; that of the process where it is left out.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment, self._stack = environment, ExitStack()
        self._open: dict[tuple[str, str | None, str | None], Endpoint] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    def of(self, model: PoolModel) -> Endpoint:
        """The endpoints of a member's account.

        Raises:
            InputError: Its key is not in the environment.
        """
        form, call = form_of(model.name, model.call), model.call
        assert call is not None  # for the type checker: the form is of its call
        account = form.provider, call.api_base, call.api_key_env
        if account not in self._open:
            self._open[account] = self._made(model, call.api_base, of_anthropic=form is ANTHROPIC)
        return self._open[account]

    def _made(self, model: PoolModel, base: str | None, *, of_anthropic: bool) -> Endpoint:
        key = key_of(
            model, anthropic.VARIABLE if of_anthropic else openai.VARIABLE, environment=self._environment
        )
        if of_anthropic:
            headers = {"anthropic-version": anthropic.VERSION, **({} if key is None else {"x-api-key": key})}
            return anthropic.AnthropicBatches(self._client(base or anthropic.BASE, headers))
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return openai.OpenAIBatches(self._client(base or openai.BASE, headers))

    def _client(self, base: str, headers: Mapping[str, str]) -> Client:
        return self._stack.enter_context(Client(base, headers))
