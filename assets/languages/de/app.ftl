# Das Fenster: Rahmen, erste Seite, Meldungen und Fragen.

# Der Name der Sprache in ihr selbst.
language-name = Deutsch

# Die Leiste oben.
toolbar-open = Aufnahme öffnen …
# In einem schmalen Fenster.
toolbar-open-short = Öffnen …
toolbar-open-hint = Audio- oder Videodateien ({ $keys })
toolbar-path = Pfad eingeben …
# In einem schmalen Fenster.
toolbar-path-short = Pfad …
toolbar-record = Aufnehmen
toolbar-record-hint = Nimmt eine Besprechung auf ({ $keys } beginnt und beendet die Aufnahme sofort)
toolbar-copy = Text kopieren
# In einem schmalen Fenster.
toolbar-copy-short = Kopieren
toolbar-copy-nothing = Es gibt noch keinen Text.
toolbar-speakers = Sprecher
toolbar-speakers-hint = Wer spricht, und wie lange
toolbar-speakers-unknown = Bekannt, sobald ein Transkript fertig ist.
toolbar-library = Bibliothek
toolbar-library-hint = Alle Aufnahmen und eine Suche in dem, was darin gesagt wurde
toolbar-models = Modelle
toolbar-models-hint = Welche Modelle es gibt und was im Speicher und auf der Platte liegt
toolbar-theme = Farben
toolbar-settings = Einstellungen
toolbar-settings-hint = Einstellungen ({ $keys })

# Die Leiste unten.
status-device =
    Prozessor, { $n ->
        [one] { $n } Thread
       *[other] { $n } Threads
    }
status-device-hint = Worauf die Transkription läuft
status-messages =
    { $n ->
        [one] { $n } Meldung
       *[other] { $n } Meldungen
    }
status-messages-hint = Alle Warnungen und Fehler seit dem Start, auch die ausgeblendeten
status-no-model = kein Modell im Speicher
status-no-model-hint = Modelle werden mit der ersten Aufnahme geladen und bleiben für die nächste im Speicher.
status-models =
    { $n ->
        [one] { $n } Modell, { $size }
       *[other] { $n } Modelle, { $size }
    }

# Warnungen und Fehler.
messages-warning = Warnung
messages-error = Fehler
messages-dismiss = Ausblenden
messages-dismiss-named = Ausblenden: { $beginning }
messages-copy = Kopieren
messages-copy-named = Kopieren: { $beginning }

# Die erste Seite.
welcome-promise = Macht aus Aufnahmen von Besprechungen Text, und nichts verlässt je diesen Rechner.
welcome-demo = Beispielbesprechung ausprobieren
welcome-no-demo = Die Beispielbesprechung fehlt in dieser Installation. Hansard neu installieren, um sie zurückzubekommen.
welcome-record = Besprechung aufnehmen
welcome-drop = Audio- und Videodateien lassen sich auch irgendwo auf diesem Fenster ablegen.
welcome-demo-model = Das jetzt gewählte Modell ist klein und eingebaut. Es ist zum Ausprobieren da: In eigenen Aufnahmen macht es viele Fehler, für sie lieber ein größeres wählen.
drops-hint = Dateien ablegen, um sie zu transkribieren

# Die Aufnahmen dieser Sitzung.
jobs-cancel = Abbrechen
jobs-cancel-named = { $name } abbrechen
jobs-retry = Wiederholen
jobs-retry-named = { $name } wiederholen
jobs-progress = Fortschritt von { $name }

# Vom Desktop gesagt, wenn niemand auf das Fenster sieht.
notifier-done = { $name } ist transkribiert
notifier-failed = { $name } ist nicht transkribiert; das Fenster sagt, warum

# Downloads von Modellen, jeder in einer Zeile.
download-waiting = wartet
download-part = { $part } von { $whole }
download-left = noch etwa { $time }
download-paused = angehalten bei { $part }
download-preparing = wird geprüft und vorbereitet
download-done = fertig
download-cancelled = abgebrochen

# Das Feld zum Eingeben eines Pfades.
path-recording = Pfad der Aufnahme
path-recording-accept = Öffnen
path-watched = Pfad des Ordners
path-watched-accept = Beobachten
path-cache = Pfad des Ordners für Modelle und Ergebnisse
path-cache-accept = Wählen
path-models = Pfad der Modelle
path-models-accept = Importieren
path-new-file = Pfad der neuen Datei
path-new-file-accept = Speichern
path-close = Schließen
path-no-dialog = Dieser Desktop hat keinen Dateidialog; bitte den Pfad eingeben.
path-no-dialog-to-save = Dieser Desktop hat keinen Dateidialog; bitte den Pfad eingeben. Eine Datei dieses Namens wird ersetzt.

# Die Dialoge des Desktops.
dialog-open = Aufnahmen öffnen
dialog-recordings = Audio und Video
dialog-transcripts = Transkripte
dialog-all-files = Alle Dateien
dialog-export = Transkript exportieren
dialog-watch = Ordner mit Aufnahmen beobachten
dialog-cache = Ordner für Modelle und Ergebnisse
dialog-import-models = Modelle importieren
dialog-import-folders = Ordner mit Modellen importieren
dialog-export-models = Modelle exportieren
dialog-model-files = Modelle von Hansard

# Fragen.
ask-keep = Behalten
quit-question = Hansard beenden?
quit-quit = Beenden
quit-keep = Weiterlaufen lassen
quit-recordings =
    { $n ->
        [one] { $n } Aufnahme ist noch nicht transkribiert. Was davon bekannt ist, bleibt erhalten: Wieder geöffnet, geht es dort weiter, wo es aufgehört hat.
       *[other] { $n } Aufnahmen sind noch nicht transkribiert. Was davon bekannt ist, bleibt erhalten: Wieder geöffnet, geht es dort weiter, wo es aufgehört hat.
    }
quit-changes =
    { $n ->
        [one] { $n } Transkript wurde
       *[other] { $n } Transkripte wurden
    } geändert, und die Änderungen sind nur in diesem Fenster. Was bleiben soll, muss exportiert werden.
quit-downloads =
    { $n ->
        [one] { $n } Modell wird gerade heruntergeladen.
       *[other] { $n } Modelle werden gerade heruntergeladen.
    } Downloads gehen dort weiter, wo sie aufgehört haben, wenn sie fortgesetzt werden.
quit-unfinished = Nicht fertig: { $what }.

# Transkripte anderer Programme.
imports-unreadable = { $file } kann nicht gelesen werden: { $problem }
imports-too-large = { $file } kann nicht gelesen werden: zu groß für ein Transkript
imports-no-thread = { $file } kann nicht gelesen werden, denn das System gewährt keinen Thread: { $problem }
imports-read = { $file } als Transkript von { $recording } gelesen
imports-read-alone = { $file } gelesen; daneben liegt keine Aufnahme dieses Namens

# Was das Fenster von sich und von kleinen Handlungen sagt.
app-recording = Aufnahme läuft
app-no-engine = Hansard kann nicht transkribieren: { $problem }. Andere Programme schließen und Hansard neu starten.
app-engine-missing = Nichts kann transkribiert werden, weil Hansards Rechenkern nicht gestartet ist. Hansard neu starten.
app-engine-stopped = Der Rechenkern von Hansard ist stehen geblieben
app-engine-lost = Hansards Rechenkern ist durch einen Fehler stehen geblieben. Hansard neu starten und den Fehler bitte melden.
app-dialog-open = Ein Dateidialog ist schon offen; vielleicht liegt er hinter diesem Fenster.
app-cache-folder = Modelle und Ergebnisse liegen nach dem nächsten Start von Hansard in { $folder }
app-scale = Größe von allem: { $percent } %
app-message-copied = Meldung kopiert
app-path-copied = Pfad kopiert
app-turn = { $name } bei { $time }
app-renamed = { $before } heißt jetzt { $name }
app-name-taken-away = { $before } heißt wieder { $label }
app-merged = { $from } und { $into } sind jetzt ein Sprecher
app-undone = Rückgängig gemacht
app-redone = Wiederhergestellt
app-continues = { $name } geht bei { $time } weiter
app-saved = Gespeichert als { $file }
app-not-exported = Nicht exportiert: { $problem }. Noch einmal exportieren und einen anderen Ordner oder Namen wählen.
app-settings-not-saved = Die Einstellungen gelten nur für dieses Fenster, denn sie konnten nicht gespeichert werden: { $problem }

# Die Liste der Tasten.
shortcuts-title = Tastenkürzel
shortcuts-close = Schließen
shortcuts-close-named = Tastenkürzel schließen
# Zwischen Tasten, die dasselbe oder das Gegenteil tun.
shortcuts-or = oder
shortcuts-recordings = Aufnahmen
shortcuts-open = Aufnahmen öffnen
shortcuts-export = Wie beim letzten Mal exportieren
shortcuts-export-page = Mit Optionen und Vorschau exportieren
shortcuts-search = Alle Transkripte durchsuchen, wo die Bibliothek zu sehen ist
shortcuts-recording = Eine Besprechung aufnehmen
shortcuts-record = Sofort beginnen oder beenden
shortcuts-pause = Pausieren oder fortsetzen
shortcuts-mark = Eine Stelle darin markieren
shortcuts-listening = Anhören
shortcuts-play = Abspielen oder anhalten; die Leertaste nur, wo kein Knopf den Fokus hat
shortcuts-back = Zurückspringen
shortcuts-forward = Vorspringen
shortcuts-play-word = Ab dem gewählten Wort abspielen
shortcuts-transcript = Transkript
shortcuts-undo = Letzte Änderung rückgängig machen
shortcuts-redo = Sie wiederholen
shortcuts-find = Wörter suchen
shortcuts-replace = Wörter suchen und ersetzen
shortcuts-next-place = Zur nächsten Fundstelle oder zur vorigen
shortcuts-next-doubt = Zum nächsten zweifelhaften Wort oder zum vorigen
shortcuts-choose = Ein anderes Wort wählen
shortcuts-choose-more = Mehr oder weniger Wörter wählen
shortcuts-edit = Text des gewählten Abschnitts ändern
shortcuts-split = Ihn vor dem gewählten Wort teilen
shortcuts-merge = Ihn mit dem nächsten verbinden
shortcuts-speaker = Ihn oder mehrere gewählte Wörter dem ersten Sprecher geben; mit 2 bis 9 einem anderen
shortcuts-page = Eine Seite weiter oder zurück
shortcuts-ends = Zum Anfang oder zum Ende
shortcuts-window = Fenster
shortcuts-settings = Einstellungen
shortcuts-scale = Alles größer oder kleiner machen
shortcuts-usual-size = Alles so groß wie üblich machen
shortcuts-quit = Hansard beenden
shortcuts-list = Diese Liste
shortcuts-everywhere = Überall
shortcuts-focus = Zum nächsten Knopf oder Feld; mit Umschalt zum vorigen
shortcuts-press = Den Knopf drücken, der den Fokus hat; die Leertaste tut dasselbe
shortcuts-escape = Schließen, was vorne ist, oder eine Seite verlassen
