"""Sending a message to an incoming webhook, within a time limit, with errors that never show the address.

The path of such an address is its password, so messages name the host alone, and a redirect is an error: following it would
hand the message to somebody else.
"""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import urlsplit

LIMIT_SEC = 10.0
_LONGEST_ANSWER = 200


class WebhookError(RuntimeError):
    """A message that was not taken; the text names the host and what it said."""


def webhook_host(url: str) -> str:
    """Host and port of an address.

    Raises:
      ValueError: it is none that a message can be posted to.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"no address of a webhook: {error}") from error
    if parts.scheme not in ("http", "https") or not host or any(sign.isspace() for sign in url):
        raise ValueError("no address of a webhook: give one such as https://hooks.example.com/services/...")
    if parts.username is not None:
        raise ValueError(f"the address of a webhook on {host} holds a user's name: leave it out")
    return host if port is None else f"{host}:{port}"


def post(url: str, message: Mapping[str, Any], *, limit_sec: float = LIMIT_SEC) -> None:
    """Post `message` as JSON; back after `limit_sec` seconds at most, looking up the host's name included.

    Raises:
      ValueError: see `webhook_host`.
      WebhookError: it was not taken, or nobody answered in time.
    """
    host = webhook_host(url)
    content = json.dumps(message, allow_nan=False).encode()
    request = urllib.request.Request(url, data=content, headers={"Content-Type": "application/json"}, method="POST")
    found: list[str | None] = []
    # A socket's own limit holds for each read alone, and none holds for the look-up of a name.
    thread = threading.Thread(target=lambda: found.append(_answer(request, limit_sec)), daemon=True)
    thread.start()
    thread.join(limit_sec)
    problem = found[0] if found else f"no answer within {limit_sec:g} s"
    if problem is not None:
        raise WebhookError(f"{host}: {problem}")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Leave the answer to the caller, who calls it an error."""


def _answer(request: urllib.request.Request, limit_sec: float) -> str | None:
    """What went wrong; None where the message was taken."""
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=limit_sec) as response:
            response.read(_LONGEST_ANSWER)
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(_LONGEST_ANSWER).decode("utf-8", "replace")
        return f"answered {error.code} {error.reason}: {' '.join(said.split())}".rstrip(": ")
    except urllib.error.URLError as error:
        return f"cannot be reached: {error.reason}"
    except TimeoutError:
        return f"no answer within {limit_sec:g} s"
    except (OSError, http.client.HTTPException) as error:
        return f"broke the connection: {type(error).__name__} {error}".rstrip()
    return None
