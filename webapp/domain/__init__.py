"""What Postroom is about, free of storage, network and web: setups, templates, problems, roles."""
