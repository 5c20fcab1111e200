"""Where recorded incidents are kept."""
