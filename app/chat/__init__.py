"""Support chat between customers in the portal and staff at their desk. The database is the truth: sockets only say that there is something to fetch."""
