"""Stage 8: what we learned."""
