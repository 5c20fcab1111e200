"""Where checkpoints of the audit trail are kept, out of reach of the store's owner, and what signs them."""
