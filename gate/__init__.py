"""The gate itself: the rules, the process that holds the pins, the journal, and the socket where all others meet."""
