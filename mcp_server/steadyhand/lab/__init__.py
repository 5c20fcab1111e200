"""A real little production that can be broken: for the demo, for tests, for practice."""
