"""Kubernetes, and what delivers progressively on it: Deployments, Gateway API, Argo Rollouts, Flagger."""
