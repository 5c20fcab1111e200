"""Amazon Web Services: weights of a load balancer, ECS services, aliases of Lambda functions."""
