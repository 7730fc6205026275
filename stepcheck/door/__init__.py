"""The door to an address that the user gives: a critic's server, or a judge's."""
