"""The one driver: load state, ask the journey, write the outcome, then act."""
