"""Requests to a provider's batch endpoints: each sent once, and whether it may have arrived."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from routoo.data.errors import CallError, InputError, MissingExtraError
from routoo.data.pool import PoolModel
from routoo.members.calling import Retries
from routoo.members.remote.failures import status_error

if TYPE_CHECKING:
    import httpx

_TIMEOUT_S = 60.0
_UPLOAD_TIMEOUT_S = 900.0  # of 200 MB
_TRIES = Retries(tries=4, deadline_s=120.0)
_NOT_RUN = (429, 503, 529)
_UNCLEAR = (408, 409)

Json = dict[str, Any]  # Any: what a provider says


class DoubtError(CallError):
    """A request was sent, and nobody knows whether it arrived: look before it is sent again."""


class Client:
    """A connection to one account of a provider.

    Args:
        base: Address of its interface.
        headers: What each request is headed by, the key included; no message shows it.
    """

    def __init__(self, base: str, headers: Mapping[str, str]) -> None:
        try:
            import httpx
        except ImportError as error:
            raise MissingExtraError(
                "batches are submitted through httpx, which is not installed: pip install 'routoo[providers]'"
            ) from error
        self._httpx = httpx
        self._client = httpx.Client(
            base_url=base.rstrip("/") + "/", headers=dict(headers), timeout=_TIMEOUT_S, verify=_trusted()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._client.close()

    def get(self, path: str, **query: str | int) -> Json:
        """What a path holds, asked again where that may help.

        Raises:
            CallError: The provider refused, or did not answer.
        """
        return self._json(self._read(path, query))

    def lines(self, path: str) -> bytes:
        """The bytes of a file at a path; see `get`."""
        return self._read(path, {}).content

    def pages(self, path: str, cursor: str, **query: str | int) -> Iterator[Json]:
        """The entries of a list over all its pages, the newest first.

        Args:
            path: Of the list.
            cursor: The name of the parameter that says after which entry a page begins.
            **query: Further parameters.
        """
        while True:
            page = self.get(path, limit=100, **query)
            entries = page.get("data") or []
            yield from entries
            if not page.get("has_more") or not entries:
                return
            query[cursor] = entries[-1]["id"]

    def post(self, path: str, **sent: Any) -> Json:  # Any: what httpx sends
        """What the provider answered to a request that changes something, sent once.

        Raises:
            DoubtError: Nobody knows whether it arrived.
            CallError: It did not arrive, or was refused.
        """
        try:
            response = self._client.post(path, timeout=_UPLOAD_TIMEOUT_S, **sent)
        except (self._httpx.ConnectError, self._httpx.ConnectTimeout, self._httpx.PoolTimeout):
            raise CallError("the provider cannot be reached: nothing was sent", retryable=True) from None
        except (self._httpx.HTTPError, self._httpx.InvalidURL) as error:
            raise DoubtError(f"the connection broke ({type(error).__name__})", retryable=True) from None
        status = response.status_code
        if status in _UNCLEAR or (status >= 500 and status not in _NOT_RUN):
            raise DoubtError(str(_error(response)), retryable=True)
        if not response.is_success:
            raise _error(response)
        try:
            return self._json(response)
        except CallError as error:
            raise DoubtError(str(error), retryable=True) from None

    def _read(self, path: str, query: Mapping[str, str | int]) -> httpx.Response:
        failed = 0
        while True:
            error = CallError("the provider cannot be reached", retryable=True)
            try:
                response = self._client.get(path, params=dict(query))
                if response.is_success:
                    return response
                error = _error(response)
            except (self._httpx.HTTPError, self._httpx.InvalidURL):
                pass
            failed += 1
            wait_s = _TRIES.wait_s(failed, error, lambda: 0.0)
            if not error.retryable or failed >= _TRIES.tries or wait_s > _TRIES.deadline_s:
                raise error
            time.sleep(wait_s)

    @staticmethod
    def _json(response: httpx.Response) -> Json:
        try:
            found = response.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise CallError("what the provider answered cannot be read")
        return found


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted, whose reading takes a while."""
    import httpx

    return httpx.create_ssl_context()


def _error(response: httpx.Response) -> CallError:
    """The error that a response is, in words that quote nothing of it but a code."""
    try:
        said = response.json().get("error")
        code = said.get("code") if isinstance(said, dict) else None
    except (ValueError, AttributeError):
        code = None
    return status_error(response.status_code, response.headers, code if isinstance(code, str) else None)


def key_of(model: PoolModel, variable: str, environment: Mapping[str, str] | None = None) -> str | None:
    """The key of a member's account, from the environment alone; None for an address that is sent none.

    Args:
        model: The member.
        variable: Where the provider's own key is, unless the call names another one.
        environment: Where to look; that of the process where it is left out.

    Raises:
        InputError: It is not there.
    """
    call = model.call
    assert call is not None  # for the type checker: batch files are written for members with a call
    if call.api_key_env is None and call.api_base is not None:
        return None
    name = call.api_key_env or variable
    found = (os.environ if environment is None else environment).get(name)
    if not found:
        raise InputError(f"model {model.name}: the environment has no {name}: export {name}=...")
    return found
