# The library, its search, and stored results.

## The list of recordings.

library-session = This session
library-title = Library
library-title-count = Library: { $recordings }
library-recordings = { $n ->
        [one] { $n } recording
       *[other] { $n } recordings
    }

# A day; year, month and day are numbers with all their digits.
library-date = { $year }-{ $month }-{ $day }
library-looking = Looking into the library…
library-unreadable = The library cannot be read. Recordings can be transcribed all the same.
library-try-again = Try again
library-empty = Recordings that you transcribe are listed here, and those in the folders that you watch.

# Said of a recording that was transcribed in this window.
library-not-kept = { $name } is not in the library, so changes of its transcript are not kept. Export it to keep them.

## Searching.

library-search-field = Search all transcripts
library-search-hint = Passages with all of the words, and recordings by their name or tags ({ $keys }). "Several words" in quotes are looked for in this order.
library-search-clear = Clear the search
library-searching = Searching…
library-passages = { $n ->
        [one] { $n } passage
       *[other] { $n } passages
    }
library-nothing-found = Nothing was found.

# Where a passage is: the recording, the time, and what is said there.
library-hit-name = { $label } at { $at }: { $text }

## What is listed, and in which order.

library-view = View
library-view-name = View of the library
library-view-hint = In which order recordings are listed, and which of them
library-order-date = Newest first
library-order-folder = By folder
library-order-name = By name
library-order-duration = Longest first
library-all-folders = In all folders
library-in-folder = In { $folder }
library-only-searching = Only for searching:
library-period-any = Of any age
library-period-year = Of the last year
library-period-month = Of the last 30 days
library-period-week = Of the last 7 days
library-speaker-hint = Said by anybody
library-speaker-field = Only what this speaker said

## Watched folders.

library-folders = Folders
library-folders-name = Watched folders
library-folders-hint = Folders whose recordings are in the library
library-folders-none = No folder is watched.
library-folder-transcribed = { $recordings }, new ones are transcribed
library-unwatch = Stop watching
library-unwatch-name = Stop watching { $folder }
library-watch = Watch a folder…
library-watch-transcribe = Watch a folder and transcribe…

## A recording: its state, what is known of it, and its menu.

library-status-new = New
library-status-partly-done = Partly done
library-status-failed = Not transcribed
library-status-missing = File missing
library-speakers = { $n ->
        [one] { $n } speaker
       *[other] { $n } speakers
    }
library-details-partly-done = State: a job began; the next one goes on where it stopped
library-details-missing = State: the file is not where it was; its transcript is kept
library-details-model = Transcribed with: { $value }
library-details-failed = The last job failed: { $value }
library-details-edited = Transcript: changed by hand
library-details-speakers = Speakers: { $value }
library-details-tags = Tags: { $value }
library-details-note = Note: { $value }
library-menu-name = Menu of { $label }
library-transcribe = Transcribe
library-transcribe-again = Transcribe again
library-obstacle-job = It is being transcribed.
library-obstacle-missing = The file is not where it was.
library-describe = Tags and note…
library-copy-path = Copy the path
library-remove = Remove from the library…

## What is asked before something is replaced or removed, and the form for tags and a note.

library-transcribe-question = Transcribe { $label } again?
library-transcribe-consequence = Its transcript was changed by hand. If the new one is different, it takes its place, and the one with the changes is kept but no longer shown.
library-remove-question = Remove { $label } from the library?
library-remove-consequence = Its transcript goes, with all changes, tags and the note. The file itself stays.
library-remove-verb = Remove
library-tags-field = Tags, with commas between them
library-note-field = Note
library-save = Save
library-cancel = Cancel

## Stored results of earlier jobs.

results-heading = Stored results
results-looking = Looking for results…
results-total = { $results }, { $size }; { $saved } saved in the last 30 days
results-of-budget = { $size } of { $budget }
results-bar-name = Stored results: { $size }
results-about = What was computed once is not computed again: the same recording with other settings, or after an interruption, goes on with what is stored here. Transcripts and your changes are kept elsewhere and stay.
results-count = { $n ->
        [one] { $n } result
       *[other] { $n } results
    }
results-hits = { $n ->
        [one] { $n } hit
       *[other] { $n } hits
    }
results-misses = { $n ->
        [one] { $n } miss
       *[other] { $n } misses
    }

# The table and, for a screen reader, each of its rows.
results-table-name = Stored results by layer
results-column-layer = Results of
results-column-entries = Entries
results-column-size = Size
results-column-hits = Hits
results-column-misses = Misses
results-column-saved = Time saved
results-row-name = { $layer }: { $results }, { $size }, { $hits }, { $misses }, { $saved } saved
results-layer-audio = Sound
results-layer-speech = Speech regions
results-layer-language = Language
results-layer-segmentation = Who speaks, window by window
results-layer-asr = Text
results-layer-align = Word times
results-layer-embeddings = Voices, window by window
results-layer-diarization = Speaker turns
results-layer-voices = Voices to recognise
results-layer-speakers = Recognised speakers
results-layer-transcript = Transcripts

# The plots of the last days.
results-days = The last 30 days
results-plot-most = { $name }: at most { $largest } a day
results-plot-nothing = { $name }: nothing in { $n ->
        [one] { $n } day
       *[other] { $n } days
    }
results-plot-days = { $name } in the last { $n ->
        [one] { $n } day
       *[other] { $n } days
    }: { $days }

# Buttons, and what is asked before something is removed.
results-clear = Clear…
results-clear-layer-name = Clear the results of { $layer }
results-clear-layer-hint = Removes the results of this layer; asks first
results-clear-any-name = Clear the results of a layer
results-clear-any-hint = Removes the results of a layer; asks first
results-choose-layer = Choose a layer in the table first.
results-clear-all = Clear all…
results-clear-all-name = Clear all results
results-clear-all-hint = Removes all results; asks first
results-clean-up = Clean up…
results-clean-up-name = Clean up the results
results-clean-up-hint = Removes what was not used for long, and what is too much; asks first
results-verify = Verify
results-verify-name = Verify all results
results-verify-hint = Reads all results and drops those that are damaged
results-clear-layer-question = Clear the results of { $layer }?
results-clear-all-question = Clear all results?
results-clear-consequence = This frees { $freed }. It is computed again when it is needed. Transcripts and your changes stay.
results-clear-consequence-unknown = It is computed again when it is needed. Transcripts and your changes stay.
results-clear-verb = Clear
results-clean-up-question = Clean up the results?
results-clean-up-consequence = Removes what was not used for long, and the least used of what is more than the budget allows. It is computed again when it is needed. Transcripts and your changes stay.
results-clean-up-verb = Clean up
results-clearing = Clearing results…
results-cleaning-up = Cleaning up results…
results-verifying = Verifying results…
