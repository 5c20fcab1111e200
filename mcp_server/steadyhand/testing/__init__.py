"""Fakes that ship with the package: small, real, and held to the same contracts."""
