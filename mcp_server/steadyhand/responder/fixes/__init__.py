"""Plans are made, weighed by the guardrails, put before people, and started when one said yes."""
