"""trainband: reference models trained from scratch on many platforms, judged against bands with a stated guarantee."""

__version__ = "0.1.0"
