"""The kopf rim: session, feed, queue, status, lease, probes."""
