"""The custom resources: one module is one kind, found by itself."""
