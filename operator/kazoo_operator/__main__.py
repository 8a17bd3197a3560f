"""`python -m kazoo_operator`: the same as `kazoo-operator`."""

from kazoo_operator.cli import main

main()
