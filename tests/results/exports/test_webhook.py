"""Messages to a webhook, against a server on this machine: taken, refused, late, redirected, gone."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from trainband.results.exports.webhook import WebhookError, post, webhook_host

SECRET = "/services/secret"


@pytest.fixture
def refusal(hook: Any) -> Callable[..., str]:
    """Why a message was not taken; the address's path is never in it."""

    def of(url: str, limit_sec: float = 5.0) -> str:
        with pytest.raises(WebhookError) as found:
            post(url, {"text": "hello"}, limit_sec=limit_sec)
        assert "secret" not in str(found.value)
        return str(found.value)

    return of


def test_a_message_is_posted_once_as_json(hook: Any) -> None:
    post(hook.url(), {"text": "✓ 12 pass"})
    assert (hook.messages, hook.paths) == ([{"text": "✓ 12 pass"}], [SECRET])


def test_what_the_server_says_stands_in_the_error(hook: Any, refusal: Callable[..., str]) -> None:
    assert refusal(hook.url(f"{SECRET}/wrong")) == f"127.0.0.1:{hook.server_port}: answered 404 Not Found: no_service"


def test_a_redirect_is_an_error_and_not_followed(hook: Any, refusal: Callable[..., str]) -> None:
    assert "answered 302" in refusal(hook.url(f"{SECRET}/moved"))
    assert hook.paths == [f"{SECRET}/moved"]


@pytest.mark.parametrize("path", ["late", "drip"])
def test_nobody_is_waited_for_beyond_the_limit(hook: Any, refusal: Callable[..., str], path: str) -> None:
    begun = time.monotonic()
    assert refusal(hook.url(f"{SECRET}/{path}"), limit_sec=0.3).endswith("no answer within 0.3 s")
    assert time.monotonic() - begun < 3.0


def test_a_server_that_is_gone_or_hangs_up_is_named(hook: Any, refusal: Callable[..., str]) -> None:
    assert f"127.0.0.1:{hook.server_port}: broke the connection" in refusal(hook.url(f"{SECRET}/away"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert f"127.0.0.1:{port}: cannot be reached: " in refusal(f"http://127.0.0.1:{port}{SECRET}")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("hooks.slack.com/services/secret", "give one such as https://"),
        ("ftp://example.com/secret", "give one such as https://"),
        ("https:///secret", "give one such as https://"),
        ("https://example.com:port/secret", "no address of a webhook"),
        ("https://example.com/sec ret", "give one such as https://"),
        ("https://kim:secret@example.com/", "holds a user's name"),
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str, expected: str) -> None:
    with pytest.raises(ValueError, match="webhook") as found:
        webhook_host(url)
    assert expected in str(found.value)
    assert "sec" not in str(found.value)
