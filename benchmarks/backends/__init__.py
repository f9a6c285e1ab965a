"""One adapter a backend: compiled steps, device sync, placement, memory."""
