"""Mail servers to test against: real ones, one inside the process, and one that misbehaves by script."""
