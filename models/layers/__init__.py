"""Layers that the architectures are built from."""
