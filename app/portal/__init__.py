"""Pages for customers and for those who want to become one."""
