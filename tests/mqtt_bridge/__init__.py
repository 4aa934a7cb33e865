"""The bridge, tested against a real mosquitto."""
