"""The shop: a small web service with a pool, a cache and a payment provider, like many others."""
