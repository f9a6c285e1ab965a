"""Packaging: the top-level folders become one import package, `trainband` (CONTRIBUTING.md has the mapping's reasons)."""

import os
import re
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
ROOTS = {
    "trainband": "scripts",
    "trainband.benchmarks": "benchmarks",
    "trainband.models": "models",
    "trainband.platforms": "platforms",
    "trainband.results": "results",
}

# Ranges are loose: the tested versions stand in requirements/*.txt, which scripts/lock writes from here.
INSTALL_REQUIRES = [
    "absl-py>=2.1",
    'audioop-lts>=0.2.1; python_version >= "3.13"',  # pydub imports audioop, which Python 3.13 has dropped
    "filelock>=3.13",
    "importlib_resources>=6.0",  # tensorflow-datasets 4.9.10 imports it and does not declare it
    "jinja2>=3.1",
    "keras>=3.5",
    "nbformat>=5.10",
    "numpy>=1.26",
    "packaging>=24.0",
    "plotly>=5.24",
    "psutil>=5.9",
    "pyarrow>=15.0",  # tensorflow-datasets brings it, and `export parquet` imports it
    "pydub>=0.25.1",  # tensorflow-datasets decodes recordings (spoken_digit) with it and does not declare it
    "rich>=13.7",
    "scikit-learn>=1.4",
    "scipy>=1.12",
    "SQLAlchemy>=2.0.30",
    "statsmodels>=0.14.2",
    "tensorflow>=2.16",
    "tensorflow-datasets>=4.9.6",
    "uv>=0.8",  # builds the environments of `run --environment` and `replay`
]

EXTRAS_REQUIRE = {
    "figures": ["matplotlib>=3.8"],
    "gpu": ["tensorflow[and-cuda]>=2.16"],
    "jax": ["jax>=0.4.30"],
    "mlflow": ["alembic>=1.13", "mlflow-skinny>=3.0"],  # alembic makes the tables of MLflow's local database
    "tensorboard": ["tensorboard>=2.16"],
    "torch": ["torch>=2.4"],
    "test": [
        "build>=1.2",
        "hypothesis>=6.100",
        "ipykernel>=6.29",
        "junitparser>=4.0",
        "matplotlib>=3.8",
        "mlperf-logging>=4.0",
        "mypy>=1.11",
        "nbclient>=0.10",
        "pytest>=8.2",
        "pytest-xdist>=3.6",
        "pyyaml>=6.0",
        "ruff>=0.9",
        "ruptures>=1.1.9",
        "scipy-stubs>=1.14",
        "setuptools>=77",
        "tensorboard>=2.16",
        "types-psutil>=5.9",
        "types-PyYAML>=6.0",
    ],
}

# Patterns are relative to each package's folder; shell scripts match none and so stay out of the wheel.
SCHEDULES = ["**/*.yaml", "**/*.service", "**/*.timer", "**/*.cron"]
DATA_PATTERNS = ["py.typed", "**/*.toml", "**/*.json", "**/*.html", "**/*.css", "**/*.js", *SCHEDULES]


def packages() -> dict[str, str]:
    """Import name -> folder, of every folder with an `__init__.py` below the five roots."""
    found = {}
    for name, root in ROOTS.items():
        for folder, _, files in os.walk(root):
            if "__init__.py" in files:
                found[folder.replace(root, name, 1).replace(os.sep, ".")] = folder
    return dict(sorted(found.items()))


def version() -> str:
    """`__version__` of the package root, read without importing it."""
    text = (HERE / "scripts" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if match is None:
        raise ValueError('scripts/__init__.py has no line __version__ = "..."')
    return match.group(1)


def long_description() -> str:
    readme = HERE / "README.md"
    return readme.read_text(encoding="utf-8") if readme.exists() else ""


PACKAGES = packages()

setup(
    name="trainband",
    version=version(),
    description="Train reference models from scratch on many platforms, and prove that they still reach their accuracy",
    long_description=long_description(),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    keywords=["machine learning", "benchmark", "regression testing", "reproducibility", "keras", "tensorflow"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: MacOS",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Software Development :: Testing",
        "Typing :: Typed",
    ],
    python_requires=">=3.11,<3.14",
    install_requires=INSTALL_REQUIRES,
    extras_require=EXTRAS_REQUIRE,
    packages=list(PACKAGES),
    package_dir=PACKAGES,
    package_data={"": DATA_PATTERNS},
    include_package_data=False,
    zip_safe=False,
    entry_points={"console_scripts": ["trainband = trainband.__main__:entry"]},
)
