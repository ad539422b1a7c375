"""The back-test: the same loop and engine on a simulated clock over recorded data."""
