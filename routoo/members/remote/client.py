"""LiteLLM, loaded when it is first needed, without what it does beside sending a request."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from routoo.data.call import Call
from routoo.data.errors import MissingExtraError
from routoo.members.remote.body import Body

LOG_PROBS = {"logprobs": True, "top_logprobs": 20}
"""What asks for log-probabilities: those of the tokens that came, and of the likeliest at each position."""

_NO_KEY = "none"  # for an address of one's own: LiteLLM would send it the key of a provider


async def complete(
    call: Call, body: Body, *, key: str | None, headers: Mapping[str, str]
) -> Any:  # Any: an answer of LiteLLM
    """The response to one request, tried once.

    Parameters that the provider is known not to take are left out.

    Raises:
        Exception: Whatever LiteLLM raises; `call_error` knows what it means.
    """
    given = key if key is not None or call.api_base is None else _NO_KEY
    return await _litellm().acompletion(
        model=call.model,
        **body,
        api_base=call.api_base,
        api_key=given,
        timeout=call.timeout_s,
        extra_headers=dict(headers),
        drop_params=True,
        max_retries=0,
        num_retries=0,
        caching=False,
    )


def written(call: Call, body: Body) -> Body:
    """What `complete` would send for a body: the JSON of the provider's own interface, the model included.

    Parameters that the provider is known not to take are left out.

    Raises:
        Exception: Whatever LiteLLM raises.
    """
    litellm = _litellm()
    model, provider, config = _provider(call)
    rest = {name: value for name, value in body.items() if name != "messages"}
    options = litellm.utils.get_optional_params(
        model=model, custom_llm_provider=provider, messages=body["messages"], drop_params=True, **rest
    )
    found = config.transform_request(
        model=model,
        messages=copy.deepcopy(body["messages"]),  # which LiteLLM changes
        optional_params=options,
        litellm_params={},
        headers={},
    )
    return {**found.pop("extra_body", {}), **{name: found[name] for name in found if name != "stream"}}


def received(call: Call, content: Any) -> Any:  # Any: JSON in, an answer of LiteLLM out
    """The response that a provider's own JSON is, as `complete` gives it.

    Raises:
        Exception: Whatever LiteLLM raises of what it cannot read.
    """
    import httpx

    _, _, config = _provider(call)
    return config.transform_response(
        model=call.model,
        raw_response=httpx.Response(200, json=content),
        model_response=_litellm().ModelResponse(),
        logging_obj=_NoLog(),
        request_data={},
        messages=[],
        optional_params={},
        litellm_params={},
        encoding=None,
        api_key="",
    )


class _NoLog:
    """In the place of LiteLLM's log, which hears of each answer."""

    def post_call(self, **said: object) -> None:
        """Says nothing."""


def _provider(call: Call) -> tuple[str, str, Any]:  # Any: a class of LiteLLM
    """The model without its provider, the provider, and what knows its interface."""
    litellm = _litellm()
    model, provider, _, _ = litellm.get_llm_provider(call.model)
    kind = litellm.LlmProviders(provider)
    return model, provider, litellm.utils.ProviderConfigManager.get_provider_chat_config(model, kind)


def load() -> None:
    """Loads LiteLLM, which takes seconds, before the first request would wait for it.

    Raises:
        MissingExtraError: It is not installed.
    """
    _litellm()


@cache
def _litellm() -> Any:  # Any: a module without types
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it fetches a list of prices
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")  # else it reads a .env of the working directory
    os.environ.setdefault("LITELLM_LOG", "ERROR")
    try:
        import litellm
    except ImportError as error:
        raise MissingExtraError(
            "a provider's model is called through LiteLLM, which is not installed: "
            "pip install 'routoo[providers]'"
        ) from error
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    litellm.redact_messages_in_exceptions = True
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return litellm
