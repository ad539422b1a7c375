"""How well a model probably does, before the labels are there."""
