"""Generated worlds: small productions with a known fault, made from a seed alone."""
