"""Changes in a stream of values, such as the errors of a model, found as they happen."""
