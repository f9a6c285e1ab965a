"""Profiles: those that ship hold, and what is wrong with a file is said in one line."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from trainband.platforms import profiles as loading
from trainband.platforms.profile_spec import Profile, ProfileError
from trainband.platforms.profiles import find_profile, load_profile_file, load_profiles
from trainband.results.codec import decode, encode

SHIPPED = load_profiles()
GOOD = 'name = "x"\ntitle = "An example"\ndevice = "cpu"\nbackend = "tensorflow"\n'

WriteProfile = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> WriteProfile:
    def write_file(text: str, name: str = "x.toml") -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write_file


def test_the_shipped_names_are_these() -> None:
    assert " ".join(SHIPPED) == (
        "cpu cpu_1thread cpu_bf16 cpu_deterministic cpu_deterministic_jax cpu_deterministic_torch cpu_deterministic_xla cpu_jax cpu_mirrored "
        "cpu_torch cpu_xla gpu gpu_bf16 gpu_jax gpu_jax_bf16 gpu_mirrored gpu_torch gpu_torch_bf16 gpu_xla tpu tpu_jax"
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_profile_survives_json(name: str) -> None:
    profile = SHIPPED[name]
    assert decode(Profile, json.loads(json.dumps(encode(profile)))) == profile
    assert hash(profile) == hash(decode(Profile, encode(profile)))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_name_says_what_the_profile_does(name: str) -> None:
    profile, words = SHIPPED[name], set(name.split("_"))
    assert profile.device in words
    assert profile.deterministic == ("deterministic" in words)
    assert (profile.precision == "mixed_bfloat16") == ("bf16" in words)
    assert (profile.strategy == "mirrored") == ("mirrored" in words)
    assert profile.backend == ("jax" if "jax" in words else "torch" if "torch" in words else "tensorflow")
    assert profile.jit_compile == (profile.backend == "jax" or "xla" in words)


def test_a_file_may_leave_out_everything_that_has_a_default(write: WriteProfile) -> None:
    expected = Profile(name="x", title="An example", device="cpu", backend="tensorflow")
    assert load_profile_file(write(GOOD)) == expected


def test_threads_and_environment_come_from_the_file(write: WriteProfile) -> None:
    profile = load_profile_file(write(GOOD + 'threads = 2\n[env]\nTF_ENABLE_ONEDNN_OPTS = "0"\n'))
    assert profile.threads == 2
    assert profile.env == {"TF_ENABLE_ONEDNN_OPTS": "0"}


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("thread = 2", r"x.toml: unknown key 'thread' \(did you mean 'threads'\?\); known keys: name, title, device"),
        ("colour = 2", r"x.toml: unknown key 'colour'; known keys: "),
        ("threads = true", r"x.toml: threads = True: must be a whole number from 1 up"),
        ("threads = 0", r"x.toml: threads = 0: must be a whole number from 1 up"),
        ("count = 'al'", r"x.toml: count = 'al': must be a whole number from 1 up, or 'all'"),
        ("precision = 'mixed_bfloat'", r"precision = 'mixed_bfloat': must be one of .*did you mean 'mixed_bfloat16'"),
        ("deterministic = 'yes'", r"x.toml: deterministic = 'yes': must be true or false"),
        ("virtual_devices = 1", r"x.toml: virtual_devices = 1: must be a whole number from 2 up"),
        ("env = {A = 1}", r"x.toml: env = {'A': 1}: must be a table of strings"),
        ("notes = []", r"x.toml: notes = \[\]: must be text"),
        ("env = {KERAS_BACKEND = 'jax'}", r"env.KERAS_BACKEND = 'jax': a profile may not set it; the key 'backend'"),
        ("env = {OMP_NUM_THREADS = '1'}", r"env.OMP_NUM_THREADS = '1': a profile may not set it; the key 'threads'"),
        ("env = {PYTHONPATH = '/x'}", r"env.PYTHONPATH = '/x': a profile may not set it"),
        ("env = {HF_TOKEN = 'abc'}", r"env.HF_TOKEN: looks like a secret"),
        ("env = {'A=B' = 'c'}", r"env.A=B = 'c': not an environment variable"),
        ("threads = ", r"x.toml:5: not TOML: Invalid value"),
        ("threads = 1\nthreads = 2", r"x.toml:6: not TOML: "),
        ("[env", r"x.toml:5: not TOML: "),
    ],
)
def test_a_bad_line_is_refused_in_one_line(write: WriteProfile, added: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message) as caught:
        load_profile_file(write(GOOD + added))
    assert "\n" not in str(caught.value)


def test_a_secret_in_a_profile_is_not_repeated_in_the_message(write: WriteProfile) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile_file(write(GOOD + "env = {MY_SECRET = 'hunter2'}"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "mirrored", "backend": "jax"}, "use backend = 'tensorflow' or strategy = 'none'"),
        ({"strategy": "mirrored", "synchronized_batch_norm": True}, "set virtual_devices = 2"),
        ({"strategy": "mirrored", "virtual_devices": 2}, "synchronized_batch_norm = false with strategy = 'mirrored'"),
        ({"synchronized_batch_norm": True}, "there is one replica"),
        ({"virtual_devices": 2}, "virtual_devices = 2 with device = 'cpu' and strategy = 'none'"),
        ({"count": "all"}, "count = 'all' with device = 'cpu'"),
        ({"count": 2, "device": "gpu"}, "count = 2 with strategy = 'none'"),
        ({"strategy": "tpu"}, "strategy = 'tpu' with device = 'cpu'"),
        ({"device": "tpu"}, "use strategy = 'tpu'"),
        ({"device": "tpu", "strategy": "mirrored"}, "use strategy = 'tpu'"),
        ({"device": "tpu", "backend": "torch"}, "has no TPU"),
        ({"backend": "jax"}, "set jit_compile = true"),
        ({"backend": "torch", "jit_compile": True}, "runs eagerly"),
        (
            {"strategy": "mirrored", "virtual_devices": 2, "synchronized_batch_norm": True, "jit_compile": True},
            "jit_compile = true with strategy = 'mirrored'",
        ),
        ({"name": "Two Words"}, "must be a lower-case identifier"),
        ({"title": "two\nlines"}, "must be one line of text"),
        ({"title": ""}, "must be one line of text"),
    ],
)
def test_what_does_not_go_together_is_refused_with_a_way_out(changes: dict[str, object], message: str) -> None:
    given = {"name": "x", "title": "An example", "device": "cpu", "backend": "tensorflow", **changes}
    with pytest.raises(ProfileError) as caught:
        Profile(**given)  # type: ignore[arg-type]  # wrong values are the point
    assert message in str(caught.value)


def test_a_missing_key_is_named(write: WriteProfile) -> None:
    with pytest.raises(ProfileError, match=r"x.toml: key 'backend' is missing; a profile needs name, title, device, b"):
        load_profile_file(write('name = "x"\ntitle = "t"\ndevice = "cpu"\n'))


def test_the_name_is_the_files_own(write: WriteProfile) -> None:
    with pytest.raises(ProfileError, match=r"y.toml: name = 'x': must be the file's own name, 'y'"):
        load_profile_file(write(GOOD, name="y.toml"))


def test_a_file_that_is_not_there_or_not_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"none.toml: cannot be read: No such file"):
        load_profile_file(str(tmp_path / "none.toml"))
    (tmp_path / "x.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(ProfileError, match=r"x.toml: not UTF-8 at byte 8"):
        load_profile_file(tmp_path / "x.toml")


def test_an_unknown_profile_is_answered_with_a_near_one() -> None:
    assert find_profile("cpu_xla") == SHIPPED["cpu_xla"]
    with pytest.raises(ProfileError, match=r"no profile 'gpu_tensorflow'.*; there are cpu, cpu_1thread"):
        find_profile("gpu_tensorflow")
    with pytest.raises(ProfileError, match=r"did you mean 'cpu_jax'\?"):
        find_profile("cpu_jx")


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Makes a real distribution on sys.path, with a module and an entry point into it."""

    def make(body: str, target: str) -> None:
        info = tmp_path / "extra_profiles-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: extra-profiles\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{loading.ENTRY_POINT_GROUP}]\nmine = {target}\n")
        (tmp_path / f"{target.partition(':')[0]}.py").write_text(textwrap.dedent(body))
        monkeypatch.syspath_prepend(tmp_path)

    return make


def test_another_package_adds_a_folder_of_profiles(
    plugin: Callable[[str, str], None], tmp_path: Path, write: WriteProfile
) -> None:
    write(GOOD)
    plugin(f"FOLDER = {str(tmp_path)!r}", "trainband_plugin_a:FOLDER")
    assert set(load_profiles()) == {*SHIPPED, "x"}


def test_another_package_adds_profiles_by_a_function(plugin: Callable[[str, str], None]) -> None:
    body = """
        from trainband.platforms.profiles import Profile
        def make():
            for n in (2, 4):
                yield Profile(name=f"cpu_{n}", title=f"{n} threads", device="cpu", backend="tensorflow", threads=n)
    """
    plugin(body, "trainband_plugin_b:make")
    assert load_profiles()["cpu_4"].threads == 4


@pytest.mark.parametrize(
    ("module", "body", "message"),
    [
        ("trainband_plugin_c", "x = '/nowhere'", "'/nowhere' is neither a folder of TOML files nor a callable"),
        ("trainband_plugin_d", "def x(): return 3", "returned int; must return an iterable of Profile"),
        ("trainband_plugin_e", "def x(): return ['cpu']", "yielded str; must yield Profile"),
        ("trainband_plugin_f", "y = 1", "trainband_plugin_f:x does not load: AttributeError"),
        ("trainband_plugin_i", "raise OSError('no disk')", "trainband_plugin_i:x does not load: OSError: no disk"),
        ("trainband_plugin_h", "x = lambda: 1 / 0", "trainband_plugin_h:x does not load: ZeroDivisionError"),
        (
            "trainband_plugin_g",
            (
                "import pathlib, trainband.platforms as p\nfrom trainband.platforms.profiles import load_profile_file\n"
                "def x(): return [load_profile_file(pathlib.Path(p.__path__[0]) / 'profiles' / 'cpu.toml')]"
            ),
            "profile 'cpu' is already defined by ",
        ),
    ],
)
def test_a_faulty_package_is_named(plugin: Callable[[str, str], None], module: str, body: str, message: str) -> None:
    plugin(body, f"{module}:x")
    with pytest.raises(ProfileError) as caught:
        load_profiles()
    assert str(caught.value).startswith("entry point 'mine' of extra-profiles: ")
    assert message in str(caught.value)
