"""Where playbooks are kept."""
