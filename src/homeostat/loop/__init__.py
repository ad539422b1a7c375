"""THE CLOSED LOOP, one file per station. PURE: a World goes in, a Plan comes out.

::

      ┌───────────────────────────── step(world, policy, now) ─────────────────────────────┐
      │                                                                                    │
      │   orders ─▶ ingest ─▶ validate ─▶ monitor ─▶ evaluate ─▶ deploy/ ─▶ remedy ─▶ train │
      │     ▲                                                        │                     │
      └─────┼────────────────────────────────────────────────────────┼─────────────────────┘
         people                                                   traffic ─▶ gateway

``orders.py``          carry out what people asked for
``ingest.py``          which window of which source is due
``validate.py``        accept a delivery, or set it aside
``monitor.py``         which alerts open and close
``evaluate.py``        the gate: register a candidate, or refuse it
``deploy/rollout.py``  shadow, canary steps, champion; or straight blue-green
``deploy/traffic.py``  what the gateway should route, against what it does route
``remedy.py``          judge each promotion on labelled traffic; roll back
``train.py``           is there a reason to train, and may we
``step.py``            all of it, in order; read this one first

Stations never read a clock, draw a random number or touch the world. Waiting is a state in
the ledger and a ``recheck_at``, never sleeping code.
"""
