"""Feature flags, which give a share of the users another variation: flagd, LaunchDarkly, Unleash."""
