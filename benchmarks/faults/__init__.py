"""Faults that can be planted in a run, to prove that a band, the record's structure or `diff` finds them."""
