"""Who may do what, and what people are told."""
