"""`trainband serve`: the pages of a store as a live view on this machine."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from absl import flags

from trainband.command_line import UsageError, Verb, define_seconds, define_store, open_store


def define(values: flags.FlagValues) -> None:
    """Flags of `serve`."""
    define_store(values)
    flags.DEFINE_string("bands", None, "Directory of band files; the committed ones by default.", flag_values=values)
    flags.DEFINE_string(
        "host", "127.0.0.1", "Address to listen on; others than this machine's let others read.", flag_values=values
    )
    flags.DEFINE_integer("port", 8000, "Port to listen on; 0 takes a free one.", 0, 65535, flag_values=values)
    define_seconds("every", "Least seconds between two writings of the pages; 3 by default.", 0.1, values)


def run(values: Any, words: list[str]) -> int:
    """Serve until interrupted."""
    from trainband.knowledge import Knowledge
    from trainband.live_site import LiveSite, listen
    from trainband.report import write_site

    if words:
        raise UsageError(f"{words[0]!r}: serve takes no words; name the store with --store")
    known = Knowledge(values)
    store = open_store(values, create=False)
    available = known.availability()

    def write(folder: Path) -> None:
        write_site(store, known.bands, folder, models=known.models, profiles=known.profiles, available=available)

    with tempfile.TemporaryDirectory(prefix="trainband-serve-") as scratch:
        site = LiveSite(store_root=store.root, folder=Path(scratch), write=write, every_sec=values.every or 3.0)
        site.refresh()
        server = listen(site, values.host, values.port)
        print(f"http://{values.host}:{server.server_port}/  (Ctrl-C ends it)", flush=True)
        with site.refreshing():
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                print("trainband serve: ended", file=sys.stderr)
            finally:
                server.server_close()
    return 0


VERB = Verb(
    summary="Serve the pages of a store on this machine; they are written again, and reload, as a sweep brings results.",
    example="trainband serve --store=trainband-results --port=8000",
    define=define,
    run=run,
)
