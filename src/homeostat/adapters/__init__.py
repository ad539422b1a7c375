"""One folder per outside system; adapters do not know each other."""
