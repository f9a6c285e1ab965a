"""Running it: cells, training loop, backends, worker, runner, sweeps."""
