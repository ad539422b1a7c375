"""From the prediction log and labels to profiles, signals and comparisons."""
