"""Doors for machines: alerts and changes in, health and gate out, and the terminal's JSON."""
