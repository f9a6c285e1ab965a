"""TensorFlow's devices, as a profile asks for them."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf

from trainband.benchmarks.backends.base import BackendError
from trainband.benchmarks.backends.common import set_precision
from trainband.platforms.cgroup import usable_cores
from trainband.platforms.profiles import Profile


def configure(profile: Profile) -> None:
    """Threads, determinism, precision and the devices that TensorFlow may see; before anything executes."""
    threads = profile.threads or usable_cores()
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if profile.deterministic:
        tf.config.experimental.enable_op_determinism()
    set_precision(profile.precision)
    if profile.device == "cpu":
        tf.config.set_visible_devices([], "GPU")
    if profile.virtual_devices:
        logical = [tf.config.LogicalDeviceConfiguration() for _ in range(profile.virtual_devices)]
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    for gpu in tf.config.list_physical_devices("GPU") if profile.device == "gpu" else ():
        tf.config.experimental.set_memory_growth(gpu, True)


def strategy_of(profile: Profile) -> Any:
    """The distribution strategy that the profile names, None for one device; raises BackendError without the devices."""
    if profile.strategy == "none":
        return None
    if profile.strategy == "tpu":
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=os.environ.get("TPU_NAME", "local"))
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    devices = tf.config.list_logical_devices(profile.device.upper())
    count = len(devices) if profile.count == "all" or profile.virtual_devices else profile.count
    if len(devices) < count:
        raise BackendError(f"profile.count = {count}: {len(devices)} {profile.device} devices found")
    return tf.distribute.MirroredStrategy([device.name for device in devices[:count]])
