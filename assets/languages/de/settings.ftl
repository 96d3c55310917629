# Einstellungen.
