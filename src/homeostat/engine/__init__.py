"""The shell around the loop: observe, step, write the intent, act, write the outcome.

``reconcile.py`` is one pass; ``act.py`` carries actions out; ``mirror.py`` shows runs and
versions to the tracker. A crash at any point is healed by the next pass.
"""
