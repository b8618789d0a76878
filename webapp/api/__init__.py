"""The HTTP API: JSON for machines, the same services as the console."""
