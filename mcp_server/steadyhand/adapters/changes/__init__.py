"""What was deployed or changed: one file for each system that tells it."""
