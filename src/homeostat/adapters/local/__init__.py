"""Everything on this machine: SQLite ledger, files by digest, processes."""
