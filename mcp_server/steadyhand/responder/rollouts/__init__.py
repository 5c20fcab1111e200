"""A fix goes to a part of the traffic, is watched, and goes to all or comes back."""
