"""One module per command, imported when the command is called; its docstring is the help text."""
