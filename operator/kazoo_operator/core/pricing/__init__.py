"""What a change costs, by KAZOO's service plans: our own estimate, and KAZOO's quotes.

The rules are KAZOO's as they were observed (docs/decisions/0016). `terms` is one item of a plan and
what it charges for a quantity, `summary` the bill that KAZOO has now, `estimate` the difference that a
change makes, `payers` the accounts that bear it, `quote` what a 402 says and the digest that an approval
names. Nothing here guesses: what is not understood raises Unpriced, and an estimate then says unknown.
"""
