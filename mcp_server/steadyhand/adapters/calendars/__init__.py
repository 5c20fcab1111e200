"""Calendars that people can subscribe to or import."""
