"""The static HTML report: an overview, a page a cell and a page a run, readable from disk without a network."""
