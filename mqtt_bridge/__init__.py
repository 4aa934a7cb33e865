"""The way out to the district's broker: what happened at this gate, in order, and how the gate is now."""
