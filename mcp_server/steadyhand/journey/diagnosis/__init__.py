"""Stage 3: why. Ranked hypotheses that cite evidence, or "none of these"."""
