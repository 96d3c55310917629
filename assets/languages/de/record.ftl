# Aufnahme und Untertitel.
