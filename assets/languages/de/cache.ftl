# Modelle im Speicher und auf der Platte.

## Größen, Alter und Dauern. Zahlen mit einer Nachkommastelle erhalten das Zeichen, das hier steht.

cache-decimal-point = { "," }
cache-size-kilobytes = { $n } kB
cache-size-megabytes = { $n } MB
cache-size-gigabytes = { $n } GB
cache-lasts-seconds = { $n } s
cache-lasts-minutes = { $n } min
cache-lasts-hours = { $n } h
cache-age-never = nie
cache-age-now = gerade eben
cache-age-minutes = vor { $n } min
cache-age-hours = vor { $n } h
cache-age-yesterday = gestern
cache-age-days = vor { $n } Tagen

## Die Seite der Modelle.

cache-title = Modelle
cache-tab-available = Alle
cache-tab-cache = Speicher und Platte
cache-tab-results = Ergebnisse
cache-close = Schließen
cache-close-hint = Zurück zu den Aufnahmen (Esc)
cache-close-name = Modelle schließen
cache-import = Importieren …
cache-import-hint = Übernimmt Modelle von einem anderen Rechner; ein Netz ist nicht nötig
cache-import-files = Dateien von Hansard (.hansard-models)
cache-import-folders = Ordner, wie Hugging Face sie anlegt
cache-looking = Modelle werden gesucht …

## Was gerade geschieht.

cache-stop = Abbrechen
cache-stop-name = Abbrechen: { $work }
cache-progress = Fortschritt: { $work }
cache-download = Herunterladen von { $model }
cache-download-progress = Fortschritt beim Herunterladen von { $model }
cache-cancel = Abbrechen
cache-cancel-name = Herunterladen von { $model } abbrechen
cache-pause = Anhalten
cache-pause-name = Herunterladen von { $model } anhalten
cache-resume = Fortsetzen
cache-resume-name = Herunterladen von { $model } fortsetzen
cache-told-paused = Herunterladen von { $model } angehalten
cache-told-cancelled = Herunterladen von { $model } abgebrochen
cache-told-here = { $model } ist jetzt auf diesem Rechner
cache-told-gone = { $model } ist nicht mehr auf diesem Rechner; stattdessen wird { $other } verwendet

## Was im Speicher und auf der Platte liegt.

cache-in-memory = Im Speicher
cache-on-disk = Auf der Platte
cache-level =
    { $n ->
        [one] { $n } Modell
       *[other] { $n } Modelle
    }, { $size }
cache-level-budget =
    { $n ->
        [one] { $n } Modell
       *[other] { $n } Modelle
    }, { $size } von { $budget }
cache-memory-table = Modelle im Speicher
cache-memory-empty = Kein Modell ist im Speicher. Sie kommen mit der ersten Aufnahme.
cache-disk-table = Modelle auf der Platte
cache-disk-empty = Kein Modell ist auf der Platte außer denen, die zu Hansard gehören.
cache-column-model = Modell
cache-column-size = Größe
cache-column-last-used = Zuletzt benutzt
cache-column-uses = Benutzt
cache-column-state = Zustand
cache-sort-hint = Sortiert die Tabelle; noch einmal: andersherum
cache-row-used = zuletzt benutzt { $age }
cache-row-never-used = nie benutzt
cache-row-uses = { $n }-mal benutzt
# Steht klein geschrieben auch innerhalb einer Zeile, also ohne Substantive.
cache-state-loading = Wird geladen
cache-state-in-use = Wird benutzt
cache-state-in-use-pinned = Wird benutzt, angeheftet
cache-state-idle = Unbenutzt
cache-state-pinned = Angeheftet
cache-state-damaged = Beschädigt
cache-state-outdated = Veraltet

## Schaltflächen für das gewählte Modell; ein Vorleseprogramm nennt auch das Modell.

cache-tool-name = { $tool } { $model }
cache-unload = Entladen
cache-unload-hint = Gibt den Speicher frei; auf der Platte bleibt es
cache-load = Laden
cache-load-hint = Holt es in den Speicher, damit der nächste Auftrag nicht darauf warten muss
cache-verify = Prüfen
cache-verify-hint = Liest alle seine Dateien und vergleicht sie mit ihren Prüfsummen
cache-export = Exportieren …
cache-export-hint = Schreibt es in eine Datei für einen Rechner ohne Netz
cache-delete = Löschen …
cache-delete-hint = Entfernt es von der Platte; fragt vorher
cache-pin = Anheften
cache-pin-hint = Behält es hier, was immer die Obergrenze sagt
cache-unpin = Lösen
cache-unpin-hint = Lässt es gehen, wenn Platz gebraucht wird
cache-export-all = Alle exportieren …
cache-export-all-name = Alle Modelle exportieren
cache-clear-all = Alle löschen …
cache-clear-all-name = Alle Modelle löschen
cache-clear-all-hint = Entfernt alles, was nicht angeheftet ist oder benutzt wird; fragt vorher
cache-obstacle-used = Ein Auftrag benutzt es.
cache-obstacle-loaded = Es wird gerade geladen.
cache-obstacle-written = Es wird gerade geschrieben.
cache-obstacle-in-memory = Es ist schon im Speicher.
cache-obstacle-no-choice = Zuerst ein Modell in der Tabelle wählen.

## Zähler.

cache-counters = Zähler
cache-counters-session = Seit dem Start: { $counters }
cache-counters-ever = Insgesamt: { $counters }
cache-hit-rate = Trefferquote { $percent } % ({ $hits }, { $misses })
cache-hit-rate-unknown = Trefferquote noch nicht bekannt ({ $hits }, { $misses })
cache-hits = { $n } Treffer
cache-misses = { $n } Fehltreffer
cache-evictions =
    { $n ->
        [one] { $n } Verdrängung
       *[other] { $n } Verdrängungen
    }
cache-cleanups =
    { $n ->
        [one] { $n } Speicherbereinigung
       *[other] { $n } Speicherbereinigungen
    }
cache-loads-memory-none = nicht aus dem Speicher geladen
cache-loads-memory = { $n }-mal aus dem Speicher geladen in { $taken }
cache-loads-disk-none = nicht von der Platte geladen
cache-loads-disk = { $n }-mal von der Platte geladen in { $taken }
cache-loads-hub-none = nicht aus dem Netz geladen
cache-loads-hub = { $n }-mal aus dem Netz geladen in { $taken }

## Fragen, bevor etwas entfernt wird.

cache-freed-disk = { $disk } auf der Platte
cache-freed-both = { $disk } auf der Platte und { $memory } im Speicher
cache-ask-delete = { $model } löschen?
cache-ask-delete-consequence = Das gibt { $sizes } frei. Um es wieder zu benutzen, muss es erneut heruntergeladen oder importiert werden.
cache-ask-delete-verb = Löschen
cache-ask-clear = Alle Modelle löschen?
cache-ask-clear-frees =
    Das gibt { $sizes } frei ({ $n ->
        [one] { $n } Modell
       *[other] { $n } Modelle
    }).
cache-ask-clear-kept =
    Angeheftet oder in Benutzung, { $n ->
        [one] bleibt { $n } Modell
       *[other] bleiben { $n } Modelle
    }.
cache-ask-clear-again = Um sie wieder zu benutzen, müssen Modelle erneut heruntergeladen oder importiert werden.
cache-ask-clear-verb = Löschen

## Karten.

cache-card = Modell { $model }
cache-cards-transcription = Sprache zu Text
cache-cards-speakers = Wer spricht
cache-cards-alignment = Zeiten der Wörter, nach Sprache ({ $n })
cache-offline = Hansard ist offline: Es öffnet keine Verbindung. Modelle lassen sich aus Dateien und Ordnern importieren.
cache-presence-paused = Herunterladen angehalten
cache-presence-failed = Herunterladen fehlgeschlagen
cache-presence-downloading = Wird heruntergeladen
cache-presence-built-in = Eingebaut
cache-presence-installed = Auf diesem Rechner
cache-presence-partial = Teilweise heruntergeladen
cache-presence-absent = Nicht auf diesem Rechner
cache-use = Für neue Aufnahmen verwenden
cache-use-name = Für neue Aufnahmen verwenden: { $model }
cache-used = Für neue Aufnahmen verwendet
cache-used-name = Für neue Aufnahmen verwendet: { $model }
cache-card-delete-name = Modell { $model } löschen
cache-card-download = { $size } herunterladen
cache-card-download-name = Modell { $model } herunterladen
cache-page-hint = Öffnet seine Seite bei Hugging Face im Browser
cache-obstacle-offline = Hansard ist offline.
cache-obstacle-gated = Erst auf seiner Seite den Bedingungen zustimmen, dann unten den Schlüssel angeben.
cache-fact-download = { $size } herunterzuladen
cache-fact-memory = { $size } im Speicher
cache-fact-languages = { $n } Sprachen
cache-fact-english = Englisch
cache-fact-any-language = jede Sprache
cache-fact-gated = geschützt: seinen Bedingungen ist auf seiner Seite zuzustimmen
cache-fact-demo = zum Ausprobieren: in eigenen Aufnahmen sind viele Fehler zu erwarten
cache-speed-measured = Eine Stunde Sprache dauert auf diesem Rechner etwa { $duration } (gemessen)
cache-speed-estimated = Eine Stunde Sprache dauert auf diesem Rechner etwa { $duration } (geschätzt)

## Der Zugangsschlüssel für geschützte Modelle.

cache-token = Schlüssel für geschützte Modelle
cache-token-nowhere = Geschützte Modelle werden mit einem Zugangsschlüssel („Access Token“) eines Kontos bei Hugging Face heruntergeladen, nachdem den Bedingungen auf ihren Seiten zugestimmt wurde. Er wird im Schlüsselbund dieses Computers aufbewahrt.
cache-token-kept = Ein Schlüssel ist im Schlüsselbund dieses Computers aufbewahrt.
cache-token-environment = Der Schlüssel in HF_TOKEN wird verwendet.
cache-token-field = Zugangsschlüssel
cache-token-hint = hf_…
cache-token-keep = Schlüssel aufbewahren
cache-token-forget = Schlüssel vergessen
cache-token-page = Schlüssel des eigenen Kontos

## Die Wahl des Modells für das, was als Nächstes geöffnet wird.

cache-choice = Modell: { $model }
cache-choice-hint = Transkribiert die Aufnahmen, die als Nächstes geöffnet werden
cache-choice-more = Weitere Modelle …
cache-choice-demo = { $model } (eingebaut, zum Ausprobieren)
