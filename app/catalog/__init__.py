"""Articles, tariffs, services, PTT modes and servers; how a price is found."""
