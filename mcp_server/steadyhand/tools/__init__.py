"""The MCP door: tools the model calls. It reads and proposes; it approves nothing."""
