# Transkript, Zeitleiste, Wiedergabe, Sprecher und Export.
