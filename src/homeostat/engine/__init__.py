"""The shell around the loop: observe, step, write the intent, act, write the outcome."""
