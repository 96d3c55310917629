# Aufnahme und Untertitel.

## Die Seite für Aufnahmen.

record-title = Besprechung aufnehmen
record-hear = Aufnehmen von
record-hear-microphone = Mikrofon
record-hear-system = Was dieser Computer abspielt
record-hear-both = Beides
record-start = Aufnahme beginnen
record-model = Modell: { $model }
record-full-window = Volles Fenster
record-compact-window = Kleines Fenster
record-compact-window-hint = Ein kleines Fenster vor allen anderen
record-markers =
    { $n ->
        [one] { $n } Markierung: { $places }
       *[other] { $n } Markierungen: { $places }
    }
record-quit = Aufnahme beenden und Hansard schließen?
record-quit-consequence = Das Aufgenommene bleibt erhalten und steht in der Bibliothek. Es lässt sich beim nächsten Mal transkribieren.
record-quit-verb = Beenden und schließen

## Geräte.

record-device-microphone = Mikrofon: { $device }
record-device-system = Abgespielt von: { $device }
record-device-hint = Das Gerät, von dem aufgenommen wird
record-device-default = { $device } (Standard)
record-device-missing = { $device } (nicht vorhanden)
record-device-facts =
    { $rate } Hz, { $channels ->
        [one] { $channels } Kanal
       *[other] { $channels } Kanäle
    }
record-default = Standard
record-default-named = Standard: { $device }
record-no-microphone = Es wurde kein Mikrofon gefunden. Eines anschließen oder die Toneinstellungen des Systems prüfen.
record-no-system-audio = Was dieser Computer abspielt, lässt sich noch nicht aufnehmen: Unter Linux braucht es dazu PulseAudio oder PipeWire, und überall ein Gerät zur Wiedergabe.
# Zwei Geräte, die zugleich aufgenommen werden.
record-sources = { $first } und { $second }

## Schaltflächen, mit dem, was ein Vorleseprogramm sagt, und Hinweisen.

record-stop = Beenden
record-stop-name = Aufnahme beenden
record-stop-hint = Aufnahme beenden und transkribieren ({ $keys })
record-pause = Anhalten
record-pause-name = Aufnahme anhalten
record-resume = Fortsetzen
record-resume-name = Aufnahme fortsetzen
record-mark = Markieren
record-mark-name = Markierung setzen
record-mark-hint = Diese Stelle der Aufnahme markieren ({ $key })
record-button-hint = Nimmt eine Besprechung auf, mit Untertiteln, während gesprochen wird ({ $keys } beginnt sofort)

## Wie die Aufnahme läuft.

record-status-idle = Keine Aufnahme
record-status-starting = Beginnt …
record-status-recording = Aufnahme { $duration }
record-status-paused = Angehalten bei { $duration }
record-status-stopping = Aufnahme wird beendet …
record-strip-captions = Untertitel
record-strip-captions-hint = Die Aufnahme und ihre Untertitel zeigen
record-too-loud = Zu laut
record-level = Pegel
record-level-hint = Wie laut die Aufnahme ist; nahe am rechten Ende ist sie zu laut
record-level-silent = still
record-level-too-loud = zu laut
record-space = Platz für { $left }
record-space-little = Die Platte ist fast voll: Es ist noch Platz für { $left }. Platz schaffen, sonst endet die Aufnahme dann; das Aufgenommene bleibt erhalten.

## Was gemeldet wird.

record-told-started = Aufnahme von { $sources }
record-told-paused = Die Aufnahme ist angehalten
record-told-resumed = Die Aufnahme geht weiter
record-told-marked = { $at } markiert
record-told-recorded = { $duration } aufgenommen
record-told-recorded-marked =
    { $duration } aufgenommen, { $n ->
        [one] { $n } Markierung
       *[other] { $n } Markierungen
    }
record-told-silent = { $secs } s der Aufnahme sind still, weil dieser Rechner überlastet war
record-told-repaired = Eine abgebrochene Aufnahme ist wiederhergestellt und in der Bibliothek, { $duration } lang: { $path }. Sie ist noch nicht transkribiert.
record-engine-stopped = Die Aufnahme ist zu Ende, weil der Rechenkern von Hansard stehen geblieben ist. Das Aufgenommene bleibt erhalten und wird beim nächsten Start von Hansard vervollständigt: { $path }

## Untertitel.

record-captions-choice = Untertitel, während gesprochen wird
record-captions-choice-late = Wird gewählt, bevor die Aufnahme beginnt.
record-captions-smaller = Kleinere Untertitel
record-captions-larger = Größere Untertitel
record-captions-now = Zum Neuesten
record-captions-earlier = Frühere Untertitel zeigen
record-captions-off = Ohne Untertitel. Das Transkript entsteht, wenn die Aufnahme zu Ende ist.
record-captions-to-come = Hier steht, was gesagt wird, während es gesagt wird. Das ganze Transkript entsteht, wenn die Aufnahme zu Ende ist.
record-captions-none-yet = Bisher wurde nichts gesagt.
record-captions-loading = Modelle für Untertitel werden geladen …
record-captions-behind = Die Untertitel kommen { $late } zu spät, weil dieser Computer nicht nachkommt. Die Aufnahme ist davon nicht betroffen.

## Eine Aufnahme und der Auftrag, der sie transkribiert.

# Der Name eines Transkripts ohne Aufnahme.
record-no-file = Transkript
record-job-waiting = Wartet
record-job-starting = Beginnt
record-job-running = { $stage } { $percent } %
record-job-running-left = { $stage } { $percent } %, noch etwa { $remaining }
record-job-stopping = Wird abgebrochen
record-job-done = Fertig
record-job-failed = Fehlgeschlagen
record-job-cancelled = Abgebrochen
record-job-none = Nicht transkribiert

# Was anstelle des Textes steht.
record-text-waits = Sie kommt an die Reihe, wenn die Aufnahmen vor ihr fertig sind.
record-text-starts = Beginnt …
record-text-appears = Die ersten Sätze erscheinen gleich.
record-text-stage = { $stage } …
record-text-stops = Wird abgebrochen …
record-text-no-speech = In dieser Aufnahme wurde keine Sprache gefunden.
record-text-cancelled = Abgebrochen, bevor es Text gab. Noch einmal versuchen, um dort weiterzumachen.
record-text-partly-done = Ein Auftrag hat begonnen und ist nicht fertig geworden. Die Aufnahme transkribieren, um dort weiterzumachen.
record-text-file-missing = Die Datei ist nicht mehr an ihrem Platz, und es gibt kein Transkript von ihr. Zum Transkribieren zurücklegen.
record-text-not-yet = Diese Aufnahme wurde noch nicht transkribiert.

record-stage-decode = Ton lesen
record-stage-models = Modelle laden
record-stage-speech = Sprache suchen
record-stage-transcribe = Transkribieren
record-stage-align = Wörter ausrichten
record-stage-diarize = Sprecher unterscheiden
record-stage-recognise = Stimmen erkennen

record-fact-failed = Fehlgeschlagen: Der Text endet zu früh
record-fact-stopped = Abgebrochen: Der Text endet zu früh
record-fact-length = Länge { $length }
record-fact-language = Sprache { $language }
record-fact-model = Modell { $model }
record-fact-demo-model = Eingebautes Demo-Modell zum Ausprobieren
record-fact-continues = Geht bei { $at } weiter

# Was nicht berechnet werden musste.
record-known = Schon bekannt: { $parts }
record-known-partly = { $result } { $n } von { $all }
record-known-all = Alles war schon bekannt
record-result-sound = Ton
record-result-models = Modelle
record-result-speech = Sprache
record-result-text = Text
record-result-times = Zeiten der Wörter
record-result-speakers = Sprecher
record-result-names = Namen
