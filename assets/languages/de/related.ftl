# Aufnahmen, die wie eine andere klingen: vielleicht dieselbe Besprechung in anderer Form.

# In einer Zeile der Bibliothek: { $n } Stück, von denen die ähnlichste genannt wird und { $others } nicht.
related-line =
    { $n ->
        [one] Verwandt: { $name }
       *[other] Verwandt: { $name } und { $others } weitere
    }
# Alle, und wie ähnlich sie sind.
related-list = Verwandt: { $names }
related-same = { $name } (gleich, zu { $percent } %)
related-similar = { $name } (ähnlich, zu { $percent } %)
# Wenn eine Aufnahme transkribiert ist.
related-told-same = „{ $name }“ klingt zu { $percent } % genauso wie „{ $other }“: vielleicht dieselbe Besprechung in anderer Form.
related-told-similar = „{ $name }“ klingt zu { $percent } % wie „{ $other }“: vielleicht dieselbe Besprechung in anderer Form oder ein Teil davon.
