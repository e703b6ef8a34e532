"""The outside: one body of tests per protocol, run for the paper twin and for each partner's adapter."""
