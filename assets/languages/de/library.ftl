# Die Bibliothek, ihre Suche und gespeicherte Ergebnisse.

## Die Liste der Aufnahmen.

library-session = Diese Sitzung
library-title = Bibliothek
library-title-count = { $recordings }
library-recordings = { $n ->
        [one] { $n } Aufnahme
       *[other] { $n } Aufnahmen
    }

# Ein Tag; Jahr, Monat und Tag sind Zahlen mit allen Ziffern.
library-date = { $day }.{ $month }.{ $year }
library-looking = Die Bibliothek wird durchgesehen …
library-unreadable = Die Bibliothek kann nicht gelesen werden. Aufnahmen lassen sich trotzdem transkribieren.
library-try-again = Erneut versuchen
library-empty = Hier stehen die Aufnahmen, die transkribiert wurden, und die in beobachteten Ordnern.

# Steht bei einer Aufnahme, die in diesem Fenster transkribiert wurde.
library-not-kept = { $name } ist nicht in der Bibliothek, deshalb werden Änderungen am Transkript nicht aufbewahrt. Zum Aufbewahren das Transkript exportieren.

## Suchen.

library-search-field = Alle Transkripte durchsuchen
library-search-hint = Stellen mit allen Wörtern und Aufnahmen nach Namen oder Schlagwörtern ({ $keys }). "Mehrere Wörter" in Anführungszeichen werden in dieser Reihenfolge gesucht.
library-search-clear = Suche leeren
library-searching = Suche läuft …
library-passages = { $n ->
        [one] { $n } Stelle
       *[other] { $n } Stellen
    }
library-nothing-found = Nichts gefunden.

# Wo eine Stelle ist: die Aufnahme, die Zeit und was dort gesagt wird.
library-hit-name = { $label } bei { $at }: { $text }

## Was aufgeführt wird und in welcher Reihenfolge.

library-view = Ansicht
library-view-name = Ansicht der Bibliothek
library-view-hint = Welche Aufnahmen in welcher Reihenfolge aufgeführt werden
library-order-date = Neueste zuerst
library-order-folder = Nach Ordner
library-order-name = Nach Namen
library-order-duration = Längste zuerst
library-all-folders = In allen Ordnern
library-in-folder = In { $folder }
library-only-searching = Nur für die Suche:
library-period-any = Aus beliebiger Zeit
library-period-year = Aus dem letzten Jahr
library-period-month = Aus den letzten 30 Tagen
library-period-week = Aus den letzten 7 Tagen
library-speaker-hint = Beliebiger Sprecher
library-speaker-field = Nur, was dieser Sprecher gesagt hat

## Beobachtete Ordner.

library-folders = Ordner
library-folders-name = Beobachtete Ordner
library-folders-hint = Ordner, deren Aufnahmen in der Bibliothek stehen
library-folders-none = Kein Ordner wird beobachtet.
library-folder-transcribed = { $recordings }, neue werden transkribiert
library-unwatch = Nicht mehr beobachten
library-unwatch-name = { $folder } nicht mehr beobachten
library-watch = Ordner beobachten …
library-watch-transcribe = Ordner beobachten und transkribieren …

## Eine Aufnahme: ihr Stand, was von ihr bekannt ist und ihr Menü.

library-status-new = Neu
library-status-partly-done = Teilweise fertig
library-status-failed = Nicht transkribiert
library-status-missing = Datei fehlt
library-speakers = { $n ->
        [one] { $n } Sprecher
       *[other] { $n } Sprecher
    }
library-details-partly-done = Stand: ein Auftrag wurde begonnen; der nächste macht dort weiter, wo er aufhörte
library-details-missing = Stand: die Datei ist nicht mehr an ihrem Ort; das Transkript bleibt
library-details-model = Transkribiert mit: { $value }
library-details-failed = Der letzte Auftrag schlug fehl: { $value }
library-details-edited = Transkript: von Hand geändert
library-details-speakers = Sprecher: { $value }
library-details-tags = Schlagwörter: { $value }
library-details-note = Notiz: { $value }
library-menu-name = Menü zu { $label }
library-transcribe = Transkribieren
library-transcribe-again = Neu transkribieren
library-obstacle-job = Sie wird gerade transkribiert.
library-obstacle-missing = Die Datei ist nicht mehr an ihrem Ort.
library-describe = Schlagwörter und Notiz …
library-copy-path = Pfad kopieren
library-remove = Aus der Bibliothek entfernen …

## Was gefragt wird, bevor etwas ersetzt oder entfernt wird, und das Formular für Schlagwörter und Notiz.

library-transcribe-question = { $label } neu transkribieren?
library-transcribe-consequence = Das Transkript wurde von Hand geändert. Weicht das neue ab, tritt es an seine Stelle; das geänderte bleibt erhalten, wird aber nicht mehr gezeigt.
library-remove-question = { $label } aus der Bibliothek entfernen?
library-remove-consequence = Das Transkript geht verloren, mit allen Änderungen, Schlagwörtern und der Notiz. Die Datei selbst bleibt.
library-remove-verb = Entfernen
library-tags-field = Schlagwörter, durch Kommas getrennt
library-note-field = Notiz
library-save = Speichern
library-cancel = Abbrechen

## Gespeicherte Ergebnisse früherer Aufträge.

results-heading = Gespeicherte Ergebnisse
results-looking = Ergebnisse werden gesucht …
results-total = { $results }, { $size }; in den letzten 30 Tagen { $saved } gespart
results-of-budget = { $size } von { $budget }
results-bar-name = Gespeicherte Ergebnisse: { $size }
results-about = Was einmal berechnet wurde, wird nicht noch einmal berechnet: Dieselbe Aufnahme mit anderen Einstellungen oder nach einer Unterbrechung macht mit dem weiter, was hier gespeichert ist. Transkripte und Änderungen daran liegen anderswo und bleiben.
results-count = { $n ->
        [one] { $n } Ergebnis
       *[other] { $n } Ergebnisse
    }
results-hits = { $n ->
        [one] { $n } Treffer
       *[other] { $n } Treffer
    }
results-misses = { $n ->
        [one] { $n } verfehlt
       *[other] { $n } verfehlt
    }

# Die Tabelle und, für Vorleseprogramme, jede ihrer Zeilen.
results-table-name = Gespeicherte Ergebnisse nach Schritt
results-column-layer = Ergebnisse von
results-column-entries = Einträge
results-column-size = Größe
results-column-hits = Treffer
results-column-misses = Verfehlt
results-column-saved = Zeit gespart
results-row-name = { $layer }: { $results }, { $size }, { $hits }, { $misses }, { $saved } gespart
results-layer-audio = Ton
results-layer-speech = Sprachabschnitte
results-layer-language = Sprache
results-layer-segmentation = Wer spricht, Fenster für Fenster
results-layer-asr = Text
results-layer-align = Wortzeiten
results-layer-embeddings = Stimmen, Fenster für Fenster
results-layer-diarization = Sprechbeiträge
results-layer-voices = Zu erkennende Stimmen
results-layer-speakers = Erkannte Sprecher
results-layer-transcript = Transkripte

# Die Diagramme der letzten Tage.
results-days = Die letzten 30 Tage
results-plot-most = { $name }: höchstens { $largest } am Tag
results-plot-nothing = { $name }: nichts an { $n ->
        [one] { $n } Tag
       *[other] { $n } Tagen
    }
results-plot-days = { $name } { $n ->
        [one] am letzten Tag
       *[other] in den letzten { $n } Tagen
    }: { $days }

# Schaltflächen, und was gefragt wird, bevor etwas entfernt wird.
results-clear = Löschen …
results-clear-layer-name = Ergebnisse von „{ $layer }“ löschen
results-clear-layer-hint = Entfernt die Ergebnisse dieses Schritts; fragt vorher
results-clear-any-name = Ergebnisse eines Schritts löschen
results-clear-any-hint = Entfernt die Ergebnisse eines Schritts; fragt vorher
results-choose-layer = Zuerst einen Schritt in der Tabelle wählen.
results-clear-all = Alle löschen …
results-clear-all-name = Alle Ergebnisse löschen
results-clear-all-hint = Entfernt alle Ergebnisse; fragt vorher
results-clean-up = Aufräumen …
results-clean-up-name = Ergebnisse aufräumen
results-clean-up-hint = Entfernt, was lange nicht benutzt wurde und was zu viel ist; fragt vorher
results-verify = Prüfen
results-verify-name = Alle Ergebnisse prüfen
results-verify-hint = Liest alle Ergebnisse und verwirft beschädigte
results-clear-layer-question = Ergebnisse von „{ $layer }“ löschen?
results-clear-all-question = Alle Ergebnisse löschen?
results-clear-consequence = Das gibt { $freed } frei. Die Ergebnisse werden bei Bedarf neu berechnet. Transkripte und Änderungen daran bleiben.
results-clear-consequence-unknown = Die Ergebnisse werden bei Bedarf neu berechnet. Transkripte und Änderungen daran bleiben.
results-clear-verb = Löschen
results-clean-up-question = Ergebnisse aufräumen?
results-clean-up-consequence = Entfernt, was lange nicht benutzt wurde, und von dem, was die erlaubte Menge übersteigt, das am wenigsten benutzte. Die Ergebnisse werden bei Bedarf neu berechnet. Transkripte und Änderungen daran bleiben.
results-clean-up-verb = Aufräumen
results-clearing = Ergebnisse werden gelöscht …
results-cleaning-up = Ergebnisse werden aufgeräumt …
results-verifying = Ergebnisse werden geprüft …
