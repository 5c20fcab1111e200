"""Stage 7: did it help."""
