"""The statistics of the gate: pairs of runs, speed blocks, and what they say of a candidate."""
