"""Stage 1: something fired. What it is, whether it is new, how bad it is."""
