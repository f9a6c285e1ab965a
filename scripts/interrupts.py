"""Ctrl-C at an unlucky moment: it ends the command, and is neither lost nor shown as a traceback."""

from __future__ import annotations

import sys
from typing import Any

_LATER_SEC = 0.05


def outlive_finalizers() -> None:
    """For the rest of the process, an interrupt that falls into a finalizer, which may not raise, comes again after it."""
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            before(unraisable)
            return
        import signal
        import threading

        # Sent at once, it would fall into this hook.
        again = threading.Timer(_LATER_SEC, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
