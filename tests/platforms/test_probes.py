"""Probes: whether a profile can run is decided from facts alone, and the reason says what is missing."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trainband.platforms.host_facts import HostFacts, gather_host_facts
from trainband.platforms.probes import probe
from trainband.platforms.profiles import Profile, load_profiles

SHIPPED = load_profiles()
CPU_PACKAGES = {
    "tensorflow": "2.21.0",
    "keras": "3.15.1",
    "jax": "0.10.2",
    "jaxlib": "0.10.2",
    "torch": "2.13.0+cpu",
}
LAPTOP = HostFacts(usable_cores=4, cpu_flags=("avx2", "avx512_bf16"), distributions=CPU_PACKAGES)
GPU_PACKAGES = {**CPU_PACKAGES, "torch": "2.13.0", "nvidia-cudnn-cu12": "9.10.2.21", "jax-cuda12-plugin": "0.10.2"}
GPU_HOST = HostFacts(
    usable_cores=16,
    nvidia_devices=("/dev/nvidia0", "/dev/nvidia1"),
    nvidia_driver="580.95.05",
    distributions=GPU_PACKAGES,
)
TPU_HOST = HostFacts(usable_cores=100, tpu_chips=4, distributions={**CPU_PACKAGES, "libtpu": "0.0.30"})


def on(host: HostFacts, **changes: Any) -> HostFacts:
    return dataclasses.replace(host, **changes)


def without(host: HostFacts, *names: str) -> HostFacts:
    return on(host, distributions={name: v for name, v in host.distributions.items() if name not in names})


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_profile_gets_an_answer_with_a_reason(name: str) -> None:
    for host in (LAPTOP, GPU_HOST, TPU_HOST, HostFacts(usable_cores=1)):
        answer = probe(SHIPPED[name], host=host)
        assert answer.reason.strip()
        assert "\n" not in answer.reason
        assert answer.available == (answer.devices > 0)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_profile_runs_where_its_device_is(name: str) -> None:
    hosts = {"cpu": LAPTOP, "gpu": GPU_HOST, "tpu": TPU_HOST}
    for device, host in hosts.items():
        assert probe(SHIPPED[name], host=host).available == (SHIPPED[name].device in ("cpu", device))


@pytest.mark.parametrize(
    ("name", "host", "reason"),
    [
        ("gpu", LAPTOP, "no NVIDIA GPU found (no /dev/nvidia0)"),
        ("gpu", on(GPU_HOST, cuda_visible_devices=""), "CUDA_VISIBLE_DEVICES='' hides every GPU (2 found)"),
        ("gpu", on(GPU_HOST, cuda_visible_devices="-1,0"), "CUDA_VISIBLE_DEVICES='-1,0' hides every GPU (2 found)"),
        (
            "gpu",
            without(GPU_HOST, "nvidia-cudnn-cu12"),
            "tensorflow finds no cuDNN (pip install 'tensorflow[and-cuda]')",
        ),
        ("gpu_jax", without(GPU_HOST, "jax-cuda12-plugin"), "jax has no CUDA plugin (pip install 'jax[cuda13]' or"),
        (
            "gpu_torch",
            on(GPU_HOST, distributions=CPU_PACKAGES),
            "torch 2.13.0+cpu is not a CUDA build (pip install torch from an index with CUDA builds)",
        ),
        ("cpu_jax", without(LAPTOP, "jax"), "backend jax is not installed (pip install 'trainband[jax]')"),
        (
            "cpu_jax",
            without(LAPTOP, "jaxlib"),
            "backend jax is not installed (jaxlib is missing) (pip install 'trainband[jax]')",
        ),
        ("cpu", without(LAPTOP, "keras"), "Keras is not installed (pip install 'trainband[tensorflow]')"),
        (
            "cpu_torch",
            on(LAPTOP, distributions={**CPU_PACKAGES, "keras": "2.15.0"}),
            "backend torch needs Keras 3, and Keras 2.15.0 is installed",
        ),
        ("tpu", LAPTOP, "no TPU found (no /dev/accel0, no TPU chip behind /dev/vfio, TPU_NAME not set)"),
        ("tpu_jax", without(TPU_HOST, "libtpu"), "libtpu is not installed for backend jax (pip install 'jax[tpu]')"),
        (
            "tpu_jax",
            on(LAPTOP, tpu_name="n1"),
            "TPU_NAME='n1' is reached over the network, and backend jax needs a local",
        ),
    ],
)
def test_the_reason_says_what_is_missing(name: str, host: HostFacts, reason: str) -> None:
    answer = probe(SHIPPED[name], host=host)
    assert not answer.available
    assert answer.reason.startswith(reason)


def test_too_few_cores_or_gpus_are_counted() -> None:
    two_threads = Profile(name="x", title="t", device="cpu", backend="tensorflow", threads=2)
    assert probe(two_threads, host=on(LAPTOP, usable_cores=1)).reason == "2 cores needed, 1 usable"
    four = dataclasses.replace(SHIPPED["gpu_mirrored"], count=4)
    assert probe(four, host=GPU_HOST).reason == "4 GPUs needed, 2 visible (2 found)"


def test_all_means_every_visible_device() -> None:
    assert probe(SHIPPED["gpu_mirrored"], host=GPU_HOST).devices == 2
    assert probe(SHIPPED["gpu_mirrored"], host=on(GPU_HOST, cuda_visible_devices="1")).devices == 1
    assert probe(SHIPPED["gpu"], host=GPU_HOST).devices == 1
    assert probe(SHIPPED["cpu_mirrored"], host=on(LAPTOP, usable_cores=1)).devices == 2
    assert probe(SHIPPED["tpu"], host=TPU_HOST).devices == 4


def test_a_cpu_only_tensorflow_never_passes_for_a_gpu_build() -> None:
    cpu_only = on(without(GPU_HOST, "tensorflow"), distributions={"tensorflow-cpu": "2.21.0", "keras": "3.15.1"})
    assert probe(SHIPPED["cpu"], host=cpu_only).available
    assert probe(SHIPPED["gpu"], host=cpu_only).reason.startswith("tensorflow-cpu 2.21.0 has no GPU support")


@pytest.mark.parametrize(("torch", "works"), [("2.13.0+cu126", True), ("2.13.0", True), ("2.13.0+rocm6", False)])
def test_torch_says_its_build_in_its_version(torch: str, works: bool) -> None:
    host = on(GPU_HOST, distributions={**GPU_PACKAGES, "torch": torch})
    assert probe(SHIPPED["gpu_torch"], host=host).available == works


def test_emulated_bfloat16_runs_and_is_said() -> None:
    assert "emulated" in probe(SHIPPED["cpu_bf16"], host=on(LAPTOP, cpu_flags=("avx2",))).reason
    assert "emulated" not in probe(SHIPPED["cpu_bf16"], host=LAPTOP).reason


def write_files(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_facts_come_from_files(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "dev/nvidia10": "",
            "dev/nvidia2": "",
            "dev/nvidiactl": "",
            "dev/nvidia-uvm": "",
            "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release\n",
            "usr/lib64/libcudnn.so.9": "",
            "proc/cpuinfo": "processor : 0\nflags : sse avx2\n\nprocessor : 1\nflags : sse\n",
        },
    )
    facts = gather_host_facts(environ={"CUDA_VISIBLE_DEVICES": "0"}, root=tmp_path, distributions=CPU_PACKAGES)
    assert facts.nvidia_devices == ("/dev/nvidia2", "/dev/nvidia10")
    assert (facts.visible_gpus, facts.nvidia_driver, facts.system_cudnn) == (1, "580.95.05", True)
    assert facts.cpu_flags == ("avx2", "sse")


def test_a_passed_through_device_is_not_a_tpu(tmp_path: Path) -> None:
    network_card = {"sys/bus/pci/devices/a/vendor": "0x1ae0\n", "sys/bus/pci/devices/a/device": "0x0042\n"}
    chip = {"sys/bus/pci/devices/b/vendor": "0x1ae0\n", "sys/bus/pci/devices/b/device": "0x0063\n"}
    write_files(tmp_path, {"dev/vfio/vfio": "", **chip})
    assert gather_host_facts(environ={}, root=tmp_path, distributions={}).tpu_chips == 0
    write_files(tmp_path, {"dev/vfio/0": "", **network_card})
    assert gather_host_facts(environ={}, root=tmp_path, distributions={}).tpu_chips == 1


def test_probing_this_host_imports_no_framework() -> None:
    program = """
import os, sys
from trainband.platforms import fingerprint, host_class, host_facts, probes, profiles
host = host_facts.gather_host_facts(environ=os.environ)
print([probes.probe(p, host=host).available for p in profiles.load_profiles().values()])
host_class.host_class(fingerprint.collect(environ=os.environ))
print(sorted({"tensorflow", "keras", "jax", "torch", "numpy"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.splitlines()[-1] == "[]"
