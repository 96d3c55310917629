# Einstellungen.
settings-title = Einstellungen
settings-close = Einstellungen schließen
# Der Knopf auf den Seiten für Einstellungen und Export.
settings-page-close = Schließen
settings-page-close-hint = Zurück zu den Aufnahmen (Esc)

# Ab wann eine Wahl gilt; steht hinter ihrer Erklärung.
settings-since-recording = Gilt für Aufnahmen, die ab jetzt geöffnet werden.
settings-since-start = Gilt nach dem nächsten Start von Hansard.

# Was neben einem Schalter steht.
settings-on = An
settings-off = Aus

settings-transcription = Transkription
settings-model = Modell
settings-model-why = Macht aus Sprache Text: Größere sind besser und langsamer.
settings-device = Gerät
settings-device-why = Was rechnet. Wo die Grafikkarte fehlt, übernimmt der Prozessor ihre Arbeit.
settings-device-automatic = Automatisch
settings-device-processor = Prozessor
settings-device-metal = Grafik (Metal)
settings-device-cuda = Grafikkarte (CUDA)
settings-language = Sprache
settings-language-why = Die gesprochene Sprache, als Kürzel wie en oder de. Leer: Sie wird erkannt.
settings-language-empty = automatisch
settings-task = Text
settings-task-why = Was aufgeschrieben wird. Nicht jedes Modell kann übersetzen.
settings-task-transcribe = Das Gesagte
settings-task-translate = Englische Übersetzung
settings-beam-size = Suchbreite
settings-beam-size-why = Wie viele Texte die Suche zugleich verfolgt: Mehr ist langsamer und manchmal besser.

settings-look = Aussehen
settings-window-language = Sprache des Fensters
settings-window-language-why = Worin Knöpfe und Meldungen geschrieben sind. Manche Meldungen kommen aus dem Rechenkern, das Englisch spricht.
settings-window-language-system = Wie das System
settings-theme = Farben
settings-theme-why = Farben des Fensters.
settings-theme-system = Wie der Desktop
settings-theme-light = Hell
settings-theme-dark = Dunkel
settings-scale = Größe von allem
settings-scale-why = Macht alles im Fenster größer.
settings-font-size = Schriftgröße, Punkt
settings-font-size-why = Größe der meisten Texte; der Text von Transkripten ist etwas größer.

settings-models = Modelle und Ergebnisse
settings-offline = Offline arbeiten
settings-offline-why = Nichts wird aus einem Netz geholt, was auch immer verlangt wird.
settings-keep-on-disk = Modelle und Ergebnisse auf der Platte behalten
settings-keep-on-disk-why = Modelle sind schneller bereit, und nichts wird zweimal berechnet. Aus: Nichts wird geschrieben.
settings-keep-originals = Heruntergeladene Dateien behalten
settings-keep-originals-why = Die Dateien, wie sie heruntergeladen wurden, bleiben neben denen, die ladebereit sind.
settings-cache-folder = Ordner für Modelle und Ergebnisse
settings-cache-folder-why = Wo Modelle und Ergebnisse auf der Platte liegen. Die im alten Ordner bleiben dort.
settings-cache-folder-choose = Wählen …
settings-cache-folder-choose-named = Ordner für Modelle und Ergebnisse wählen
settings-as-usual = wie üblich
settings-preload = Beim Start laden
settings-preload-why = Modelle, die von Anfang an im Speicher sein sollen, mit Kommas zwischen den Namen.
settings-preload-empty = keine
settings-memory-budget = Modelle im Speicher, MB
settings-memory-budget-why = Was geladene Modelle belegen dürfen; die am längsten unbenutzten gehen zuerst. Leer: die Hälfte des Speichers.
settings-memory-budget-empty = die Hälfte
settings-card-budget = Modelle auf der Grafikkarte, MB
settings-card-budget-why = Dasselbe für den Speicher einer Grafikkarte. Leer: der übliche Anteil davon.
settings-idle-minutes = Unbenutzte Modelle entladen, Minuten
settings-idle-minutes-why = Nach so vielen Minuten ohne Arbeit verlässt ein Modell den Speicher. 0: Es bleibt.
settings-disk-budget = Modelle auf der Platte, GB
settings-disk-budget-why = Was Modelle von der Platte belegen dürfen. Leer: so viel sie wollen.
settings-no-limit = unbegrenzt
settings-results-budget = Ergebnisse auf der Platte, GB
settings-results-budget-why = Was ein Aufräumen von dem übrig lässt, was berechnet wurde. Leer: so viel, wie da ist.
settings-results-days = Ergebnisse behalten, Tage
settings-results-days-why = Ergebnisse, die so lange nicht gebraucht wurden, gehen mit einem Aufräumen. Leer: Sie bleiben.
settings-results-days-empty = für immer

# Auf der Seite für den Export.
settings-speaker-names = Namen der Sprecher
settings-speaker-names-why = Ob die Datei sagt, wer spricht.
settings-by-speaker = Sprecher für Sprecher
settings-by-speaker-why = Markdown und Word: ein Kapitel für jeden Sprecher mit allem, was er sagt.
settings-highlight-words = Das gerade gesprochene Wort unterstreichen
settings-highlight-words-why = Untertitel: eine Einblendung für jedes Wort, wie beim Karaoke.
settings-line-width = Zeilenlänge
settings-line-width-why = Untertitel: so viele Zeichen hat eine Zeile höchstens. Leer: jeder Abschnitt, wie er ist.
settings-line-count = Zeilen je Einblendung
settings-line-count-why = Untertitel: so viele Zeilen sind höchstens zugleich zu sehen. Leer: so viele, wie es gibt.

# Was an der Eingabe nicht stimmt.
settings-wants-number = Eine ganze Zahl von { $least } bis { $most } eingeben.
settings-wants-number-or-nothing = Eine ganze Zahl von { $least } bis { $most } eingeben. Oder das Feld leer lassen.
settings-wants-language = Ein Kürzel aus zwei oder drei Buchstaben eingeben, wie en, de oder haw, oder das Feld leer lassen.
settings-wants-folder = Den ganzen Pfad eingeben, von der Wurzel der Platte an, oder das Feld leer lassen.
settings-wants-names = „{ $name }“ ist kein Modell; zwischen Namen gehören Kommas, wie in demo, small.
