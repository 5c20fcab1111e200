"""The incident as a state machine: events in, new state and commands out. `lifecycle` has it as a table."""
