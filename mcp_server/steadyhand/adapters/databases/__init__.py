"""Read-only looks into databases, and the guarded statements a fix may run."""
