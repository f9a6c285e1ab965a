"""The fingerprint: what can move a result is in it, what must not be written down is not; and the host class from it."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from trainband.platforms import cgroup, fingerprint
from trainband.platforms.accelerators import Gpu, nvidia_gpus, parse_nvidia_smi
from trainband.platforms.cpu import instruction_digest, read_cpu
from trainband.platforms.environment_variables import recorded
from trainband.platforms.git_state import DIFF_TEXT_LIMIT_BYTES, git_state
from trainband.platforms.host_class import host_class, memory_gib
from trainband.platforms.interpreters import Interpreter

PYTHON = Interpreter(
    executable="/env/bin/python",
    version="3.12.1",
    implementation="CPython",
    distributions={"keras": "3.15.1", "nvidia-cudnn-cu12": "9.10.2.21", "nvidia-cuda-runtime": "13.0.48"},
)
GIB = 1 << 30


@pytest.fixture
def document() -> dict[str, Any]:
    return {
        "cpu": {
            "vendor": "intel",
            "family": "6",
            "model": "143",
            "stepping": "8",
            "instruction_digest": "1a2b3c4d",
            "usable_cores": 2,
        },
        "memory": {"usable_bytes": 23 * GIB},
        "accelerators": {"gpus": [], "nvidia_driver": None, "tpu_chips": 0, "tpu_type": None},
        "system": {"kernel": "6.1"},
    }


def test_this_host_gives_a_document_that_json_can_carry() -> None:
    document = fingerprint.collect(environ=os.environ)
    assert json.loads(json.dumps(document)) == document
    assert document["distributions"]["psutil"]
    assert document["cpu"]["usable_cores"] >= 1
    assert host_class(document).isascii()
    assert "/" not in host_class(document)


def test_another_interpreter_stands_in_the_document() -> None:
    document = fingerprint.collect(environ={}, interpreter=PYTHON)
    assert document["python"]["executable"] == "/env/bin/python"
    assert document["distributions"]["keras"] == "3.15.1"
    assert document["cuda"] == {"cudnn-cu12": "9.10.2.21", "cuda-runtime": "13.0.48"}


def test_secrets_do_not_reach_the_document() -> None:
    environ = {
        "TF_CPP_MIN_LOG_LEVEL": "1",
        "OMP_NUM_THREADS": "2",
        "LD_PRELOAD": "libjemalloc.so",
        "NVIDIA_API_KEY": "hunter2",
        "KERAS_TOKEN": "hunter2",
        "TPU_PASSWORD": "hunter2",
        "TF_VAR_db": "hunter2",
        "HOME_PHONE": "hunter2",
        "JAX_COMPILATION_CACHE_DIR": "https://me:hunter2@host/cache",
    }
    document = fingerprint.collect(environ=environ, interpreter=PYTHON)
    assert "hunter2" not in json.dumps(document)
    assert document["environment"] == {
        "JAX_COMPILATION_CACHE_DIR": "https://(left out)@host/cache",
        "KERAS_TOKEN": "(left out)",
        "LD_PRELOAD": "libjemalloc.so",
        "NVIDIA_API_KEY": "(left out)",
        "OMP_NUM_THREADS": "2",
        "TF_CPP_MIN_LOG_LEVEL": "1",
        "TPU_PASSWORD": "(left out)",
    }


def test_variables_that_only_look_like_ours_are_not_recorded() -> None:
    assert recorded({"TFX_HOME": "a", "TF_CLI_CONFIG_FILE": "b", "MKLROOT": "c", "PATH": "d"}) == {}


def test_the_class_is_readable(document: dict[str, Any]) -> None:
    assert host_class(document) == "intel-6-143-8-1a2b3c4d-2c-16g"
    document["accelerators"].update(gpus=[{"name": "NVIDIA H200"}], nvidia_driver="580.95.05")
    assert host_class(document) == "intel-6-143-8-1a2b3c4d-2c-16g-H200x1-drv580.95.05"
    document["accelerators"]["gpus"] = [{"name": "NVIDIA GeForce RTX 4090"}, {"name": "NVIDIA A100-SXM4-80GB"}] * 2
    assert host_class(document).endswith("-A100_SXM4_80GBx2-RTX_4090x2-drv580.95.05")


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("cpu", "usable_cores", 4),
        ("cpu", "model", "207"),
        ("cpu", "instruction_digest", "00000000"),
        ("memory", "usable_bytes", 64 * GIB),
        ("accelerators", "tpu_chips", 4),
    ],
)
def test_what_sets_the_speed_changes_the_class(document: dict[str, Any], section: str, key: str, value: object) -> None:
    other = copy.deepcopy(document)
    other[section][key] = value
    assert host_class(other) != host_class(document)


def test_the_kernel_does_not_change_the_class(document: dict[str, Any]) -> None:
    other = copy.deepcopy(document)
    other["system"]["kernel"] = "6.18"
    assert host_class(other) == host_class(document)
    assert instruction_digest(["avx2", "fma"]) == instruction_digest(["fma", "ibrs_enhanced", "avx2", "pti"])
    assert instruction_digest(["avx2", "fma"]) != instruction_digest(["avx2", "fma", "avx512f"])


@pytest.mark.parametrize(
    ("usable", "gib"), [(0, 1), (GIB, 1), (16 * GIB - 1, 8), (16 * GIB, 16), (23 * GIB, 16), (2048 * GIB, 2048)]
)
def test_memory_is_rounded_down_to_a_power_of_two(usable: int, gib: int) -> None:
    assert memory_gib(usable) == gib


def test_nvidia_smi_is_read_row_by_row() -> None:
    text = "NVIDIA H200, 580.95.05, 143771, 9.0\nNVIDIA Old, 580.95.05, [N/A], [N/A]\n"
    expected = (Gpu(name="NVIDIA H200", memory_mib=143771, compute_capability="9.0"), Gpu(name="NVIDIA Old"))
    assert parse_nvidia_smi(text) == (expected, "580.95.05")
    assert parse_nvidia_smi("NVIDIA-SMI has failed\n") == ((), None)


def test_gpus_are_named_without_nvidia_smi(tmp_path: Path) -> None:
    information = tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information"
    information.parent.mkdir(parents=True)
    information.write_text("Model: \t\t NVIDIA H200\nIRQ:   1\n")
    assert nvidia_gpus(tmp_path, environ={"PATH": ""}) == ((), None)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidia0").touch()
    assert nvidia_gpus(tmp_path, environ={"PATH": ""}) == ((Gpu(name="NVIDIA H200"),), None)


def test_an_arm_processor_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(
        "processor\t: 0\nFeatures\t: fp asimd sve bf16\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        "CPU variant\t: 0x0\nCPU part\t: 0xd4f\nCPU revision\t: 1\n"
    )
    cpu = read_cpu(tmp_path)
    assert (cpu.vendor, cpu.family, cpu.model, cpu.stepping) == ("arm", "8", "0xd4f", "1")
    assert cpu.flags == ("asimd", "bf16", "fp", "sve")


V2 = {
    "proc/self/cgroup": "0::/a/b\n",
    "sys/fs/cgroup/a/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
}
V1 = {
    "proc/self/cgroup": "4:cpu,cpuacct:/job\n3:memory:/job\n",
    "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "50000\n",
}


@pytest.mark.parametrize(
    ("files", "quota", "limit"),
    [
        ({}, None, None),
        (V2, 1.5, None),
        ({**V2, "sys/fs/cgroup/a/memory.max": "4096\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}, 1.5, 4096),
        ({**V1, "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n"}, 0.5, None),
        ({**V1, "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{(1 << 63) - 4096}\n"}, None, None),
        ({**V1, "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "8192\n"}, None, 8192),
    ],
)
def test_the_tightest_limit_around_the_process_counts(
    tmp_path: Path, files: dict[str, str], quota: float | None, limit: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cgroup.cpu_quota(tmp_path) == quota
    assert cgroup.memory_limit_bytes(tmp_path) == limit
    assert cgroup.usable_cores(tmp_path) == (1 if quota is not None else len(os.sched_getaffinity(0)))


def test_container_signs_are_listed(tmp_path: Path) -> None:
    assert fingerprint.container_hints(tmp_path, environ={}) == []
    (tmp_path / ".dockerenv").touch()
    hints = fingerprint.container_hints(tmp_path, environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1", "container": "lxc"})
    assert hints == ["docker", "kubernetes", "lxc"]


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_the_state_of_a_checkout_names_commit_and_difference(tmp_path: Path) -> None:
    assert git_state(tmp_path, environ=os.environ) is None
    git(tmp_path, "init")
    (tmp_path / "a.txt").write_text("one\n")
    fresh = git_state(tmp_path, environ=os.environ)
    assert fresh is not None
    assert fresh["commit"] is None
    assert fresh["untracked"] == ["a.txt"]
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "-m", "first")
    clean = git_state(tmp_path, environ=os.environ)
    assert clean is not None
    assert (len(clean["commit"]), clean["branch"], clean["dirty"], clean["diff_sha256"]) == (40, "main", False, None)
    (tmp_path / "a.txt").write_text("two\n" * DIFF_TEXT_LIMIT_BYTES)
    dirty = git_state(tmp_path, environ={**os.environ, "GIT_DIR": "/nowhere"})
    assert dirty is not None
    assert dirty["dirty"]
    assert "-one" in dirty["diff"]
    assert len(dirty["diff"]) == DIFF_TEXT_LIMIT_BYTES < dirty["diff_bytes"]
    assert len(dirty["diff_sha256"]) == 64


def test_a_folder_inside_somebody_elses_repository_has_no_state(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "site-packages").mkdir()
    assert git_state(tmp_path / "site-packages", environ=os.environ) is None
