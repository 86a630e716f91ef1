"""A plain model of the queue's contract, and the rules that drive it and the SQL side by side."""
