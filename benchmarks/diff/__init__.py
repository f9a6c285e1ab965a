"""Where two runs part: their inputs, then the first divergence of their trajectories."""
