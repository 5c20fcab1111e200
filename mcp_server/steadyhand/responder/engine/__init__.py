"""The loop that keeps every promise: what is due, leases, dead letters, retention, the sealed trail."""
