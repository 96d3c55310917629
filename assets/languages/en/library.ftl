# The library, its search, and stored results.
