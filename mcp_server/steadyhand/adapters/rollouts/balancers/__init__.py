"""Balancers whose knob is their own: HAProxy, Envoy, nginx."""
