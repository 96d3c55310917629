# Das Fenster: Rahmen, erste Seite, Meldungen und Fragen.

# Der Name der Sprache in ihr selbst.
language-name = Deutsch
shortcuts-quit = Hansard beenden
