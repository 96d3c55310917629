# Transkript, Zeitleiste, Wiedergabe, Sprecher und Export.

# Wo es noch keinen Text gibt.
transcript-try-again = Noch einmal versuchen
transcript-transcribe = Transkribieren

# Neben dem Text. { $length } ist eine Zeit wie 0:12.
transcript-gap = Sprache ohne Text, { $length }
transcript-overlap = Unterstrichen: gleichzeitig mit { $names }
transcript-field = Text des Abschnitts

# Was mit gewählten Wörtern geschehen kann. { $words } hat seine Anführungszeichen.
row-words = „{ $words }“
row-play = Ab hier abspielen
row-repeat = Immer wieder abspielen
row-edit = Text bearbeiten
row-split = Vor { $words } teilen
row-merge = Mit dem nächsten Abschnitt verbinden
row-give-segment = Abschnitt zuordnen
row-give-words = { $words } zuordnen
row-delete = Abschnitt löschen

# Wörter, die andere sein können.
review-button = Prüfen
review-button-hint = Wörter, die vielleicht anders lauten
review-summary =
    { $doubts ->
        [one] { $doubts } zweifelhaftes Wort
       *[other] { $doubts } zweifelhafte Wörter
    }, { $gaps ->
        [one] { $gaps } Stelle
       *[other] { $gaps } Stellen
    } mit Sprache ohne Text
review-next-doubt = Nächstes zweifelhaftes Wort
review-previous-doubt = Voriges zweifelhaftes Wort
review-undo = Letzte Änderung rückgängig machen
review-redo = Letzte Änderung wiederholen
review-mark = Zweifelhafte Wörter markieren
review-no-doubt = Kein Wort ist zweifelhaft.
review-doubt = { $words } bei { $time }: zu { $percent } % sicher

# Was aus einer Änderung geworden ist.
edit-nothing = Nichts hat sich geändert
edit-in-places =
    { $notice }, an { $n ->
        [one] { $n } Stelle
       *[other] { $n } Stellen
    }
edit-renamed = Heißt jetzt { $name }
edit-merged-speakers = Alles davon hat jetzt { $name } gesagt
edit-given = Das hat jetzt { $name } gesagt
edit-text-taken-away = Text entfernt
edit-text-changed = Text geändert
edit-split = In zwei Abschnitte geteilt
edit-merged = Zu einem Abschnitt verbunden
edit-replaced = Ersetzt
edit-deleted = Abschnitt gelöscht

# Suchen und Ersetzen.
find-button = Suchen
find-button-hint = Wörter in diesem Transkript ({ $keys })
find-field = In diesem Transkript suchen
find-field-hint = Suchen
find-previous = Vorige Stelle
find-next = Nächste Stelle
find-close = Suche schließen
find-show-replace = Ersetzen …
find-replacement = Ersetzen durch
find-replace = Ersetzen
find-replace-all = Alle ersetzen
find-match-case = Groß- und Kleinschreibung
find-whole-words = Ganze Wörter
find-place = { $n } von { $total }
find-nothing = Nichts gefunden
# Wird nur vorgelesen; { $count } ist einer der folgenden Texte oder find-nothing.
find-count = Gefunden: { $count }
find-place-spoken = Stelle { $n } von { $total }

# Die Zeitleiste.
timeline-less = Weniger Zeit zeigen
timeline-more = Mehr Zeit zeigen
timeline-keys = Ctrl+Mausrad
timeline-position = Stelle in der Zeit
timeline-value = { $position } von { $duration }

# Die Wiedergabe.
player-impossible = Diese Aufnahme kann nicht abgespielt werden: { $reason }
player-play = Abspielen
player-pause = Anhalten
player-space-bar = Leertaste
player-back = 5 Sekunden zurück
player-forward = 5 Sekunden vor
# { $letter } ist auch eine Taste.
player-keys = { $keys } oder { $letter }
player-stop-repeating = Nicht mehr wiederholen
player-stop-repeating-hint = Spielt immer wieder von { $from } bis { $to }
player-speed = Tempo: { $speed }
player-speed-hint = Wie schnell abgespielt wird; die Stimmen bleiben so hoch, wie sie sind
player-skip-silence = Stille überspringen
player-skip-silence-hint = Übergeht die Stellen, an denen niemand spricht
player-volume = Lautstärke
player-volume-hint = Lautstärke: { $percent } %
player-sound = Ton
player-sound-hint = Lautstärke, Stille und das Gerät, das den Ton abspielt
player-looking-for-devices = Geräte werden gesucht …
player-play-through = Abspielen über
player-default-device = Standardgerät des Systems

# Wie viele in den Aufnahmen sprechen, die als Nächstes geöffnet werden.
speakers-asked = Sprecher: { $n }
speakers-asked-automatic = Sprecher: automatisch
speakers-asked-hint = Wie viele Menschen in den Aufnahmen sprechen, die als Nächstes geöffnet werden
speakers-automatic = Automatisch
speakers-number =
    { $n ->
        [one] { $n } Sprecher
       *[other] { $n } Sprecher
    }

# Die Liste der Sprecher.
speakers-title = Sprecher
speakers-undo = Rückgängig
speakers-undo-hint = Letzte Änderung rückgängig machen ({ $keys })
speakers-redo = Wiederholen
speakers-redo-hint = Letzte Änderung wiederholen ({ $keys })
speakers-card = Sprecher { $name }
speakers-name = Name von { $label }
speakers-name-hint = Enter übernimmt den Namen, Escape lässt den alten
speakers-talk-hint = Zeit und Anteil an allem, was gesagt wird
speakers-turns =
    { $n ->
        [one] { $n } Beitrag
       *[other] { $n } Beiträge
    }
speakers-next-turn = Nächster Beitrag
speakers-next-turn-name = Nächster Beitrag von { $name }
speakers-next-turn-hint = Blättert dorthin, wo dieser Sprecher das nächste Mal das Wort ergreift
speakers-merge = Vereinen mit …
speakers-merge-name = { $name } vereinen mit …
speakers-merge-hint = Für einen Menschen, der für zwei gehalten wurde
speakers-merge-impossible = Es gibt sonst niemanden.
speakers-merge-choice = { $name } vereinen mit { $into }

# Stimmen: erkennen und lernen.
speakers-recognised = Erkannt als { $name }
speakers-unknown = Unbekannt; am nächsten liegt { $name }
# { $outcome } ist einer der beiden Texte davor.
speakers-score = { $outcome }, Ähnlichkeit { $score }
speakers-score-and-margin = { $outcome }, Ähnlichkeit { $score }, Abstand { $margin }
speakers-moment = Einen Moment …
speakers-learn = Diese Stimme lernen
speakers-learn-name = Stimme von { $name } lernen
speakers-learn-hint = Erkennt diesen Sprecher in den Aufnahmen, die als Nächstes geöffnet werden
speakers-no-name = Dem Sprecher zuerst einen Namen geben.
speakers-too-little-said = Der Sprecher hat allein zu wenig gesagt, um die Stimme zu lernen.
# Neben dem Knopf zum Zurücknehmen.
speakers-learnt = Gelernt ·
speakers-learnt-otherwise = Unter anderem Namen gelernt ·
speakers-unlearn = Zurücknehmen
speakers-unlearn-name = Lernen der Stimme von { $name } zurücknehmen
speakers-unlearn-hint = Vergisst, was aus dieser Aufnahme gelernt wurde
speakers-voice-learnt = Stimme von { $name } gelernt
speakers-voice-taken-back = Zurückgenommen, was von { $name } gelernt war

# Exportieren: das Menü.
export-menu = Exportieren …
export-menu-again = { $keys } exportiert wie beim letzten Mal: { $format }
export-menu-hint = Transkript als Datei speichern ({ $keys })
export-menu-more = Optionen und Vorschau …
export-menu-more-hint = Wie die Datei aufgebaut ist und wie sie beginnt ({ $keys })
export-impossible = Möglich, sobald ein Transkript fertig ist.
export-copied = Text kopiert

# Exportieren: die Seite.
export-format = Format
export-format-explained = In welcher Form das Transkript geschrieben wird.
export-always-the-same = Dateien dieses Formats sind für Programme und immer gleich aufgebaut.
export-times = Zeiten
export-times-explained = Ob in der Datei steht, wann etwas gesagt wurde.
export-times-usual = Wie üblich
export-times-shown = Zeigen
export-times-linked = Verweise auf die Aufnahme
export-times-hidden = Verbergen
export-preview = Vorschau
export-no-preview = Dateien dieses Formats werden hier nicht gezeigt; öffnen, um eine anzusehen.
export-save = Speichern unter …
export-save-name = Transkript als Datei speichern

# Formate.
export-as-txt = Reiner Text (.txt)
export-as-markdown = Markdown (.md)
export-as-srt = SubRip-Untertitel (.srt)
export-as-vtt = WebVTT-Untertitel (.vtt)
export-as-json = JSON wie von whisperX (.json)
export-as-tsv = Mit Tabulatoren getrennt (.tsv)
export-as-csv = Mit Kommas getrennt (.csv)
export-as-rttm = Sprechbeiträge nach NIST (.rttm)
export-as-docx = Word-Dokument (.docx)
export-as-html = Webseite mit Wiedergabe (.html)
