"""PromQL: from text to a checked plan, from a plan and samples to values. Pure."""
