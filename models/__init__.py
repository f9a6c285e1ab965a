"""What is trained: specs, catalog, data sets, architectures, layers."""
