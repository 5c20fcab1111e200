"""Alerts come in: stored, enriched, silenced, and missed when a monitor falls silent."""
