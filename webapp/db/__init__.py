"""Storage: tables, column types, keys and transactions. Knows no connector."""
