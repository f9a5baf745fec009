"""What customers owe and have paid, and what follows from it."""
