"""Bearings: how each service, database or third party fares, in figures relative to this one incident."""
