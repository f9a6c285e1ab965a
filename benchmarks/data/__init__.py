"""Data on disk: `prepare` fills the cache in child processes, `cache` reads it in any process."""
