"""What operators see of the inside: structured logs, without secrets."""
