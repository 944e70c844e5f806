"""What operators see of the processes: log lines, metrics and traces. Never what anybody said."""
