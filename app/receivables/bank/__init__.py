"""What the bank says of the own accounts: files read, lines taken in once, money matched."""
