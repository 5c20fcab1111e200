"""Which entity is to blame, by learned weights over the bearings of all."""
