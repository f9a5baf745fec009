"""Exchange with other billing systems: account data out, locks in."""
