"""Keras architectures of the reference models, one file each."""
