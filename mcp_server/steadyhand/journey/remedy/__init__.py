"""Stage 4: what would help. A typed fix with its way back."""
