"""What all tests share."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import filelock
import pytest

from trainband.benchmarks.child_environment import child_environment
from trainband.benchmarks.data.cache import cache_root
from trainband.benchmarks.data.prepare import prepare
from trainband.benchmarks.staging import stage
from trainband.platforms.profiles import find_profile
from trainband.results.codec import encode

TESTS = Path(__file__).resolve().parent
SCRIPTS = TESTS / "benchmarks" / "scripts"
PROFILE_OF = {"tensorflow": "cpu", "jax": "cpu_jax", "torch": "cpu_torch"}


@pytest.fixture(scope="session")
def repo_root() -> Path:
    return TESTS.parent


@pytest.fixture(scope="session", autouse=True)
def private_host_lock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trainings of a test session wait for one another, and not for those of somebody else on this host."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINBAND_HOST_LOCK", str(tmp_path_factory.mktemp("host") / "trainings.lock"))
        yield


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("backend"):
        (name,) = marker.args
        if name == "torch" and os.environ.get("TRAINBAND_TORCH") == "0":
            pytest.skip("TRAINBAND_TORCH=0")
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")


class Hook(ThreadingHTTPServer):
    """A webhook on this machine: remembers what was posted, and answers as the end of the path says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _HookHandler)
        self.messages: list[Any] = []
        self.paths: list[str] = []
        self.wait = threading.Event()

    def url(self, path: str = "/services/secret") -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _HookHandler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("late"):
            self.server.wait.wait()
        if self.path.endswith("drip"):
            while not self.server.wait.wait(0.05):
                self.wfile.write(b"H")  # each byte resets a socket's own limit
            return
        if self.path.endswith("away"):
            return
        status = 302 if self.path.endswith("moved") else 404 if self.path.endswith("wrong") else 200
        if status == 200 and self.headers["Content-Type"] == "application/json":
            self.server.messages.append(json.loads(body))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.server.url())
        said = b"no_service" if status == 404 else b"ok"
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_GET(self) -> None:
        self.server.paths.append(f"GET {self.path}")
        self.send_error(400)

    def log_message(self, *args: Any) -> None:
        """Nothing on the terminal."""


class Framework:
    """One process with a backend imported; every job runs in a fork of it, and once a session, by whichever worker of it asks first.

    Args:
      answers: folder that the session's workers share.
    """

    def __init__(self, backend: str, environ: dict[str, str], log: Path, answers: Path) -> None:
        self._log = log
        self._answers = answers / backend
        self._answers.mkdir(parents=True, exist_ok=True)
        self._results: dict[str, Any] = {}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(TESTS / "framework_server.py"), backend],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=environ,
                text=True,
                encoding="utf-8",
            )
        _keep_to_one_core(self._process.pid)

    def result(self, script: str, function: str, **arguments: Any) -> Any:
        """What `function` of tests/benchmarks/scripts/`script` returns under this backend, from JSON to JSON."""
        request = json.dumps({"script": str(SCRIPTS / script), "function": function, "arguments": encode(arguments)})
        if request not in self._results:
            path = self._answers / hashlib.sha256(request.encode()).hexdigest()
            with filelock.FileLock(f"{path}.lock"):
                if not path.exists():
                    path.write_text(self._ask(request), encoding="utf-8")
                self._results[request] = json.loads(path.read_text(encoding="utf-8"))
        answer = self._results[request]
        if "error" in answer:
            pytest.fail(answer["error"], pytrace=False)
        return answer["result"]

    def _ask(self, request: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        return line or json.dumps({"error": self._log.read_text(errors="replace")})

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


def _keep_to_one_core(pid: int) -> None:
    """Where tests run side by side, a core each: threads of one framework wait long for a core that another's hold."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(pid, {cores[int(worker.removeprefix("gw")) % len(cores)]})


@pytest.fixture(scope="session")
def child_environ(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, str]]:
    """The environment of a child under the profile named, with our code staged as for a real one."""
    root = tmp_path_factory.mktemp("children")
    (root / "keras_home").mkdir()

    def environ(profile: str) -> dict[str, str]:
        return child_environment(find_profile(profile), os.environ, stage=stage(root), keras_home=root / "keras_home")

    return environ


@pytest.fixture(scope="session")
def frameworks(
    child_environ: Callable[[str], dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Framework]]:
    """The framework process of a backend, started when first asked for."""
    started: dict[str, Framework] = {}
    folder = tmp_path_factory.mktemp("frameworks")
    base = tmp_path_factory.getbasetemp()
    # Each worker of pytest-xdist has a folder of its own in the session's.
    answers = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "framework-answers"

    def framework(backend: str) -> Framework:
        if backend not in started:
            environ = child_environ(PROFILE_OF[backend])
            started[backend] = Framework(backend, environ, folder / f"{backend}.txt", answers)
        return started[backend]

    yield framework
    for process in started.values():
        process.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    disk = tmp_path / "small"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    refused = "there is no mount command"
    if shutil.which("mount"):
        refused = subprocess.run(mount, capture_output=True, text=True, check=False).stderr.strip()
    if not os.path.ismount(disk):
        pytest.skip(f"NOT TESTED, a full disk: mounting a tmpfs needs root ({refused})")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture(scope="session")
def fill() -> Callable[[Path], None]:
    """Write to a path until its disk is full to the last block."""

    def fill(path: Path) -> None:
        with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096) == 4096:
                pass

    return fill


@pytest.fixture(scope="session")
def flip() -> Callable[[Path, int], None]:
    """Change one bit of a file's byte at a place."""

    def flip(path: Path, place: int) -> None:
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)

    return flip


@pytest.fixture(scope="session")
def digits_root() -> str:
    """The cache in which the embedded data set is prepared."""
    prepare(["digits"])
    return str(cache_root())


@pytest.fixture(scope="session")
def model_facts(frameworks: Callable[[str], Framework]) -> Callable[[str, str], dict[str, Any]]:
    """What a catalog model is and does in two steps on a backend: see `model_facts` in scripts/models.py."""

    def facts(backend: str, model: str) -> dict[str, Any]:
        profile = find_profile(PROFILE_OF[backend])
        found: dict[str, Any] = frameworks(backend).result("models.py", "model_facts", name=model, profile=profile)
        return found

    return facts


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.wait.set()
        server.shutdown()
        thread.join()
