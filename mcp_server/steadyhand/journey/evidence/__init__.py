"""Stage 2: what happened, when, and in what order; every item has an id that can be cited."""
