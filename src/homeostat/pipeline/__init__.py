"""What a training run does, one file per step."""
