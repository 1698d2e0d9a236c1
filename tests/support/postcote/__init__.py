"""Private mail sites for system and parity tests; see README.md."""
