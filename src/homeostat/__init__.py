"""Homeostat keeps machine-learning models healthy in production, on its own."""

__version__ = "0.1.0"
