"""Postroom: the admin console for email connectors."""

__version__ = "0.1.0"
