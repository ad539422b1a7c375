"""The nouns, as frozen dataclasses. PURE: no clock, no I/O, no randomness.

Read in this order: ``verdict`` and ``evidence`` (what is known), ``delivery``, ``run``,
``version``, ``rollout`` (the things), ``action`` and ``event`` (what we do and what came of
it), ``entry`` and ``recorded`` (the ledger and its projection), ``world`` and ``plan`` (what
goes into one decision and what comes out).
"""
