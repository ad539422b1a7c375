"""How a registered version gets traffic: ``rollout.py`` decides, ``traffic.py`` makes it so."""
