"""The catalogue of rules KZnnn: one place for ids, messages and hints."""
