# Die Bibliothek, ihre Suche und gespeicherte Ergebnisse.
