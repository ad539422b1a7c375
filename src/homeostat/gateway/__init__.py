"""The serving path: router, prediction log, HTTP."""
