"""The door for other extensions: a package of its own, since `scripts` belongs to everybody."""
