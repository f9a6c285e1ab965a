"""A folder of pages that follows a store, and a server on this machine whose pages reload when they are written again."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from trainband.command_line import UsageError

FOLLOWED = ("runs", "judgements", "sweeps", "nights", "regressions", "canaries")
_LIVE = b"""<script>
"use strict";
// The server's own addition: reload when the pages were written again.
let version = null;
setInterval(async () => {
  try {
    const found = await (await fetch("/live.json", { cache: "no-store" })).json();
    if (version !== null && found.version !== version) { location.reload(); }
    version = found.version;
  } catch { /* the server has ended; the page stays readable */ }
}, 1500);
</script>
"""

_LOG = logging.getLogger(__name__)


@dataclass
class LiveSite:
    """Pages below `folder`, made by `write(folder)`; made again when the store has changed, `every_sec` apart at least.

    Attributes:
      version: how often they were written.
      error: why they could not be written the last time; empty where they were.
    """

    store_root: Path
    folder: Path
    write: Callable[[Path], None]
    every_sec: float
    version: int = 0
    error: str = ""
    _seen: tuple[tuple[str, int, int], ...] = ()
    _ended: threading.Event = field(default_factory=threading.Event)

    def refresh(self) -> bool:
        """Write the pages if the store has changed since; whether they were written."""
        found = self._state()
        if found == self._seen:
            return False
        self.write(self.folder)
        self._seen = found
        self.version += 1
        return True

    @contextlib.contextmanager
    def refreshing(self) -> Iterator[None]:
        """Meanwhile a thread looks at the store every `every_sec`."""
        thread = threading.Thread(target=self._follow, name="trainband-live-site", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _follow(self) -> None:
        while not self._ended.wait(self.every_sec):
            try:
                self.refresh()
                self.error = ""
            except (OSError, ValueError, RuntimeError) as error:
                # A store that is being written, or a full disk: the pages stay as they were, and the next look tries again.
                if str(error) != self.error:
                    _LOG.warning("the pages could not be written: %s", error)
                self.error = str(error)

    def _state(self) -> tuple[tuple[str, int, int], ...]:
        """A folder changes when an entry appears, is replaced or goes: files are written aside and renamed."""
        found = []
        for name in FOLLOWED:
            with contextlib.suppress(FileNotFoundError):
                told = (self.store_root / name).stat()
                found.append((name, told.st_mtime_ns, told.st_ino))
        return tuple(found)


class _Handler(SimpleHTTPRequestHandler):
    """Pages with the reloading script, their assets, and `/live.json`."""

    def __init__(self, *args: object, site: LiveSite, **fields: object) -> None:
        self._site = site
        super().__init__(*args, directory=str(site.folder), **fields)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/live.json":
            self._send(
                json.dumps({"version": self._site.version, "error": self._site.error}).encode(), "application/json"
            )
            return
        local = Path(self.translate_path(path))
        local = local / "index.html" if path == "/" else local
        if local.suffix == ".html" and local.is_file():
            self._send(local.read_bytes() + _LIVE, "text/html; charset=utf-8")
            return
        super().do_GET()

    def list_directory(self, path: object) -> None:
        self.send_error(HTTPStatus.NOT_FOUND, "No such page")

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        _LOG.debug(format, *args)

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def listen(site: LiveSite, host: str, port: int) -> ThreadingHTTPServer:
    """A server of `site`; raises UsageError where the address cannot be had."""
    try:
        return ThreadingHTTPServer((host, port), partial(_Handler, site=site))
    except OSError as error:
        raise UsageError(
            f"--host={host} --port={port}: {error.strerror or error}; give another --port, or 0 for a free one"
        ) from error
