"""Where it is trained: profiles, device probes, fingerprint."""
