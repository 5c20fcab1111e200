"""The demo: a real service is really broken, diagnosed, mended after a yes, and verified."""

from steadyhand.demo.run import demo

__all__ = ["demo"]
