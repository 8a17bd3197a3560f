"""The kopf rim: session, feed, queue, status, probes."""
