# Die Leiste rechts: ihre Reiter, Redezeiten als Diagramm und alles, was über eine Aufnahme bekannt ist.

details-tabs = Leiste rechts
details-tab-speakers = Sprecher
details-tab-export = Export
details-tab-details = Details
details-hide = Diese Leiste ausblenden
details-nothing-open = Zuerst eine Aufnahme öffnen.
details-no-speakers = Wer spricht, ist bekannt, sobald ein Transkript fertig ist.

details-talk = { $name }: { $time }, { $percent } %
details-talk-figures = { $time } · { $percent } %

details-copy = Details kopieren
details-copy-hint = Legt all das als reinen Text in die Zwischenablage
details-copied = Details kopiert
details-no-job = Wie dieses Transkript entstand, ist nicht bekannt: Es ist nicht hier entstanden, oder der Bibliothek fehlt der Auftrag.
details-label = { $label }:
details-unknown = nicht bekannt
details-percent = { $n } %

details-recording = Aufnahme
details-file = Datei
details-size = Größe
details-length = Länge
details-rate = Abtastrate
details-hertz = { $n } Hz
details-channels = Kanäle
details-channel-count = { $n ->
    [1] mono
    [2] stereo
   *[other] { $n }
    }
details-container = Container
details-codec = Codec

details-transcript = Transkript
details-words = Wörter
details-speakers = Sprecher
details-confidence = Mittlere Sicherheit
details-edits = Änderungen von Hand

details-models = Modelle
details-model = { $name }, { $hash } ({ $place })
details-speech-model = Spracherkennung
details-aligner = Wortzeiten
details-segmentation = Segmentierung
details-embeddings = Stimmmerkmale
details-recognition = Stimmerkennung
details-precision = Genauigkeit
details-precision-int8 = ganze Zahlen mit 8 Bit
details-precision-f32 = Gleitkommazahlen mit 32 Bit

details-settings = Einstellungen
details-asked = Verlangt
details-mode = Reihenfolge
details-mode-batched = viele Abschnitte zugleich
details-mode-sequential = von Anfang bis Ende
details-speakers-asked = Verlangte Sprecher
details-speakers-off = niemand wird unterschieden
details-speakers-automatic = wird ermittelt
details-speakers-least = { $n } oder mehr
details-speakers-most = { $n } oder weniger
details-speakers-between = { $from } bis { $to }
details-prompt = Vorgabe
details-hotwords = Namen und Begriffe
details-prefix = Beginnt mit

details-times = Zeiten
details-began = Begonnen
details-whole = Ganzer Auftrag
details-factor = Echtzeitfaktor
details-factor-value = { $factor } ({ $speed }-mal so schnell wie beim Anhören)
details-reused = Schon bekannt
details-reused-of = Schon bekannt von „{ $stage }“
details-reused-pieces = { $reused } von { $all }

details-manifest = Herkunftsnachweis
details-made-by = Erstellt von
details-version = Hansard { $version }
details-file-hash = Hash der Datei
details-sound-hash = Hash des Tons
details-file-now = Datei jetzt
details-file-same = dieselbe
details-file-other = eine andere
