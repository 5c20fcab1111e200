"""Beside all stages: who must know by now."""
