"""From an incident to ranked causes: evidence is gathered, weighed, checked and remembered."""
