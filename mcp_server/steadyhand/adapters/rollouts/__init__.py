"""What moves traffic and releases."""
