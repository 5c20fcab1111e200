"""Who pages when we fall silent."""
