"""`./run lint`: linters, types, architecture and our own rules, on what has changed; the tests run it on everything."""
