"""The real servers of the lab: how each is found, configured and started."""
