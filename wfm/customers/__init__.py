"""The people behind the handles: identity, merges, the CRM, erasure."""
