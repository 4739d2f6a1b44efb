"""The shipped example: a grown pyramidal cell, hidden parameters, and the recordings they make."""
