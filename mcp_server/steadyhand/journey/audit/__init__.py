"""What was done, by whom, and the proof that nobody changed the record of it."""
