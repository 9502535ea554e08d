"""The command line: arguments in, operation called, result shown."""
