"""What a site is: one TOML file, checked whole before anything starts."""
