// Placeholder until the command line exists.
