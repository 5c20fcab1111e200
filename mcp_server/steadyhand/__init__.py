"""Incident response for on-call engineers: from an alert to a verified fix, with a human yes in between."""
