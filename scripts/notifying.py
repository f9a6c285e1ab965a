"""`--notify`: telling a chat what a sweep came to. It never changes the sweep's own verdict."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from trainband.command_line import UsageError

if TYPE_CHECKING:
    from trainband.results.store import Store


def define_notify(values: flags.FlagValues) -> None:
    """The flag of verbs that tell somebody when they are done."""
    flags.DEFINE_string(
        "notify",
        os.environ.get("TRAINBAND_NOTIFY"),
        "Post a summary to this incoming webhook (JSON as Slack reads it) when done; its failure changes no status.",
        flag_values=values,
    )


def check_notify(values: Any) -> None:
    """Raise UsageError for an address that nothing can be posted to: better known before hours of training."""
    from trainband.results.exports.webhook import webhook_host

    try:
        if values.notify:
            webhook_host(values.notify)
    except ValueError as error:
        raise UsageError(f"--notify: {error}") from error


def notify(url: str | None, store: Store, sweep_id: str, page: Path) -> bool | None:
    """Tell what the sweep came to; what goes wrong is a line on standard error.

    Returns:
      Whether the message was taken; None where there is nobody to tell.
    """
    from trainband.results.exports.collect import export_rows
    from trainband.results.exports.rows import ExportError
    from trainband.results.exports.slack import message
    from trainband.results.exports.webhook import WebhookError, post

    if not url:
        return None
    try:
        post(url, message(export_rows(store, sweep_id=sweep_id), place=f"page {page}"))
    except (WebhookError, ExportError, OSError) as error:
        print(f"trainband: nobody was notified: {error}", file=sys.stderr)
        return False
    return True
