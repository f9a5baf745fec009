"""Two years of a provider in minutes: the real services under faults, against a small model that was written apart. See `docs/reliability.md`."""
