"""The public website: container of pictures and films, pages, menu, look, forms."""
