"""What `reelq doctor` looks at, one subject a module; every check returns findings and raises nothing of the family."""
