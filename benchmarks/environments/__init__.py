"""Environments to train under: solved, locked, built by uv, and found again from what a run recorded."""
