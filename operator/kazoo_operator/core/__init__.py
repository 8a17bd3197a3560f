"""The pure core: kinds, plans, outcomes, conditions, CRDs. No clock, no I/O, no kopf, no HTTP."""
