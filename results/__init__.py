"""What happened and what was expected: records, store, bands, statistics, pages."""
