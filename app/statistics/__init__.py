"""Statistics: monthly figures of licenses and revenue from snapshots, and the evaluation table over them."""
