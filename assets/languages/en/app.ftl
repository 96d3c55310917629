# The window: its frame, first page, messages and questions.

# The language's own name.
language-name = English
shortcuts-quit = Quit Hansard
