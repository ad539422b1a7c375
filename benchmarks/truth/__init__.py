"""Cases of the error-rate benchmark: streams without and with a change, and who is asked."""
