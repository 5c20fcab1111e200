"""People are told: messages leave, are bundled, and work changes hands."""
