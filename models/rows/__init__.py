"""The reference models of the registry, by kind."""
