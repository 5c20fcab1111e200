"""The console: server-rendered pages for people, live without losing what they type."""
