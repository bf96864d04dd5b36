"""The product's language (cases, people, time, goals) and its ledger (store, ingest, queue)."""
