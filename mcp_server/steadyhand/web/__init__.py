"""The HTTP doors: machine doors for alerts, changes and the terminal; a console for people."""
