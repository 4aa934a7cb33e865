"""The eye of the gate: pictures in, motion events and clips out. Nothing here can slow or move the gate."""
