"""One step looked at layer by layer: what a run computed there, and what its layers make of another run's inputs."""
