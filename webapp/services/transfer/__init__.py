"""Moving setups: tenant documents written, read and sealed."""
