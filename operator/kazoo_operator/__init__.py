"""kazoo-operator: reconciles 2600Hz KAZOO accounts from Kubernetes custom resources."""

__version__ = "0.1.0"
