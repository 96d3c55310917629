# Recordings that sound like another one: perhaps the same meeting in another form.

# In a row of the library: { $n } of them, of which the most similar one is named and { $others } are not.
related-line =
    { $n ->
        [one] Related: { $name }
       *[other] Related: { $name } and { $others } more
    }
# All of them, with how alike they are.
related-list = Related: { $names }
related-same = { $name } (the same, { $percent } % alike)
related-similar = { $name } (similar, { $percent } % alike)
# When a recording was transcribed.
related-told-same = “{ $name }” sounds the same as “{ $other }” ({ $percent } % alike): perhaps the same meeting in another form.
related-told-similar = “{ $name }” sounds like “{ $other }” ({ $percent } % alike): perhaps the same meeting in another form, or a part of it.
