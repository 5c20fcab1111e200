"""Small read-only questions to things the configuration names: a typed catalogue, and no shell."""
