"""Shipped to users: simulated clock and world, faults, one conformance suite per port."""
