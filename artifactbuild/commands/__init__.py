"""The verbs, one a file: options in, a noun to the core, the result to the screen."""
