"""Payloads of alert sources, turned into alerts."""
