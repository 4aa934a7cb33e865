"""The configuration: what it accepts, what it refuses and how it says so."""
