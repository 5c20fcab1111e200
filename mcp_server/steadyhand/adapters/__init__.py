"""The edge, by need: one file for each outside system, its settings on top."""
