"""Stage 6: carefully. A small share of traffic, a judge, and the way back."""
