"""The officers' page and the HTTP interface: who may do what, and what people and programs are told."""
