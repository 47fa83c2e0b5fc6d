"""How the tests of the C library build programs against an installed copy of it, and run them."""
