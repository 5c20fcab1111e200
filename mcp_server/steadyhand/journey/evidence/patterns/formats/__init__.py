"""How log lines are written: each format knows its own header and gives the message and what is beside it."""
