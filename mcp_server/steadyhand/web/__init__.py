"""The HTTP door: alerts and changes come in, people look, sign in and decide."""
