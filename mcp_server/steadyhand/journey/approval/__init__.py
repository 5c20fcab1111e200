"""Stage 5: may we. Guardrails, the request, and the decision bound to a digest."""
