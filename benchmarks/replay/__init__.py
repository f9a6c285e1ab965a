"""A stored run trained again, and what came of it."""
