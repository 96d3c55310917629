# Die Warteschlange der Aufnahmen und frühere Fassungen von Transkripten.

# Zeiten, wie man sie sagt.
jobs-time-seconds = { $n } s
jobs-time-minutes = { $n } min
jobs-time-hours = { $hours } h { $minutes } min
jobs-about = etwa { $time }
jobs-at-most = höchstens { $time }

# Eine Aufnahme, die wartet, bis sie an der Reihe ist.
jobs-waiting = Wartet, { $estimate }
jobs-next = Als Nächste dran
jobs-next-with-time = Als Nächste dran, { $estimate }
jobs-do-next-named = { $name } als Nächste bearbeiten
jobs-is-next = { $name } ist als Nächste dran

# Alles, was noch zu tun ist.
jobs-queue =
    { $n ->
        [one] 1 Aufnahme wartet, insgesamt { $estimate }
       *[other] { $n } Aufnahmen warten, insgesamt { $estimate }
    }
jobs-queue-in-part = { $n } Aufnahmen warten; { $estimate } für die, bei denen es bekannt ist

versions-open = Frühere Fassungen …
versions-open-hint = Das Transkript, wie es vorher war, zum Wiederherstellen
versions-title = Frühere Fassungen
versions-explanation = Wiederherstellen macht eine Fassung zur neuesten. Die jetzt neueste bleibt hier stehen; nichts geht verloren.
versions-loading = Frühere Fassungen werden gesucht …
versions-restoring = Wird wiederhergestellt …
versions-none = Von diesem Transkript gibt es keine andere Fassung.
versions-words =
    { $n ->
        [one] 1 Wort
       *[other] { $n } Wörter
    }
versions-changes =
    { $n ->
        [0] unverändert
        [one] 1 Änderung
       *[other] { $n } Änderungen
    }
versions-version = { $date }: { $changes }, { $words }
versions-as-transcribed = { $date }: wie transkribiert, { $words }
versions-restore = Wiederherstellen
versions-restore-named = { $version } wiederherstellen
versions-close = Schließen
versions-restored = Wiederhergestellt; was vorher da war, steht bei den früheren Fassungen
versions-taken-back = Rückgängig gemacht: Die Fassung von vorher ist wieder da
