# Models in memory and on disk.

## Sizes, ages and lengths of time. Numbers with a decimal come with the point that is given here.

cache-decimal-point = { "." }
cache-size-kilobytes = { $n } kB
cache-size-megabytes = { $n } MB
cache-size-gigabytes = { $n } GB
cache-lasts-seconds = { $n } s
cache-lasts-minutes = { $n } min
cache-lasts-hours = { $n } h
cache-age-never = never
cache-age-now = just now
cache-age-minutes = { $n } min ago
cache-age-hours = { $n } h ago
cache-age-yesterday = yesterday
cache-age-days = { $n } days ago

## The page of models.

cache-title = Models
cache-tab-available = All models
cache-tab-cache = In memory and on disk
cache-tab-results = Results
cache-close = Close
cache-close-hint = Back to the recordings (Esc)
cache-close-name = Close the models
cache-import = Import…
cache-import-hint = Takes in models from another machine; no network is needed
cache-import-files = Files of Hansard (.hansard-models)
cache-import-folders = Folders in Hugging Face layout
cache-looking = Looking for models…

## What goes on.

cache-stop = Stop
cache-stop-name = Stop: { $work }
cache-progress = Progress: { $work }
cache-download = Download of { $model }
cache-download-progress = Progress of the download of { $model }
cache-cancel = Cancel
cache-cancel-name = Cancel the download of { $model }
cache-pause = Pause
cache-pause-name = Pause the download of { $model }
cache-resume = Resume
cache-resume-name = Resume the download of { $model }
cache-told-paused = Paused the download of { $model }
cache-told-cancelled = Cancelled the download of { $model }
cache-told-here = { $model } is on this machine now
cache-told-gone = { $model } is not on this machine any more; { $other } is used instead

## What is kept in memory and on disk.

cache-in-memory = In memory
cache-on-disk = On disk
cache-level =
    { $n ->
        [one] { $n } model
       *[other] { $n } models
    }, { $size }
cache-level-budget =
    { $n ->
        [one] { $n } model
       *[other] { $n } models
    }, { $size } of { $budget }
cache-memory-table = Models in memory
cache-memory-empty = No model is in memory. They come with the first recording.
cache-disk-table = Models on disk
cache-disk-empty = No model is on disk but those that ship with Hansard.
cache-column-model = Model
cache-column-size = Size
cache-column-last-used = Last used
cache-column-uses = Uses
cache-column-state = State
cache-sort-hint = Sorts the table; once more, the other way round
cache-row-used = used { $age }
cache-row-never-used = never used
cache-row-uses =
    { $n ->
        [one] { $n } use
       *[other] { $n } uses
    }
# Said within a line, too, all in small letters.
cache-state-loading = Loading
cache-state-in-use = In use
cache-state-in-use-pinned = In use, pinned
cache-state-idle = Idle
cache-state-pinned = Pinned
cache-state-damaged = Damaged
cache-state-outdated = Outdated

## Buttons for the chosen model; a screen reader says the model, too.

cache-tool-name = { $tool } { $model }
cache-unload = Unload
cache-unload-hint = Sets its memory free; it stays on disk
cache-load = Load
cache-load-hint = Brings it into memory, so that the next job need not wait for it
cache-verify = Verify
cache-verify-hint = Reads all its files and compares them with their hashes
cache-export = Export…
cache-export-hint = Writes it to a file for a machine without a network
cache-delete = Delete…
cache-delete-hint = Removes it from the disk; asks first
cache-pin = Pin
cache-pin-hint = Keeps it here, whatever the budget says
cache-unpin = Unpin
cache-unpin-hint = Lets it go when room is needed
cache-export-all = Export all…
cache-export-all-name = Export all models
cache-clear-all = Clear all…
cache-clear-all-name = Clear all models
cache-clear-all-hint = Removes everything but what is pinned or in use; asks first
cache-obstacle-used = A job uses it.
cache-obstacle-loaded = It is being loaded.
cache-obstacle-written = It is being written.
cache-obstacle-in-memory = It is in memory already.
cache-obstacle-no-choice = Choose a model in the table first.

## Counters.

cache-counters = Counters
cache-counters-session = Since the start: { $counters }
cache-counters-ever = Ever: { $counters }
cache-hit-rate = hit rate { $percent } % ({ $hits }, { $misses })
cache-hit-rate-unknown = hit rate not known yet ({ $hits }, { $misses })
cache-hits =
    { $n ->
        [one] { $n } hit
       *[other] { $n } hits
    }
cache-misses =
    { $n ->
        [one] { $n } miss
       *[other] { $n } misses
    }
cache-evictions =
    { $n ->
        [one] { $n } eviction
       *[other] { $n } evictions
    }
cache-cleanups =
    { $n ->
        [one] { $n } memory cleanup
       *[other] { $n } memory cleanups
    }
cache-loads-memory-none = no load from memory
cache-loads-memory =
    { $n ->
        [one] { $n } load
       *[other] { $n } loads
    } from memory in { $taken }
cache-loads-disk-none = no load from disk
cache-loads-disk =
    { $n ->
        [one] { $n } load
       *[other] { $n } loads
    } from disk in { $taken }
cache-loads-hub-none = no load from the hub
cache-loads-hub =
    { $n ->
        [one] { $n } load
       *[other] { $n } loads
    } from the hub in { $taken }

## Questions before something is removed.

cache-freed-disk = { $disk } on disk
cache-freed-both = { $disk } on disk and { $memory } in memory
cache-ask-delete = Delete { $model }?
cache-ask-delete-consequence = This frees { $sizes }. To be used again, it has to be fetched or imported again.
cache-ask-delete-verb = Delete
cache-ask-clear = Clear all models?
cache-ask-clear-frees =
    This frees { $sizes } ({ $n ->
        [one] { $n } model
       *[other] { $n } models
    }).
cache-ask-clear-kept =
    Pinned or in use, { $n ->
        [one] { $n } model
       *[other] { $n } models
    } will stay.
cache-ask-clear-again = To be used again, models have to be fetched or imported again.
cache-ask-clear-verb = Clear

## Cards.

cache-card = Model { $model }
cache-cards-transcription = Speech to text
cache-cards-speakers = Who speaks
cache-cards-alignment = Times of words, by language ({ $n })
cache-offline = Hansard is offline: it opens no connection. Models can be imported from files and folders.
cache-presence-paused = Download paused
cache-presence-failed = Download failed
cache-presence-downloading = Being downloaded
cache-presence-built-in = Built in
cache-presence-installed = On this machine
cache-presence-partial = Partly downloaded
cache-presence-absent = Not on this machine
cache-use = Use for new recordings
cache-use-name = Use for new recordings: { $model }
cache-used = Used for new recordings
cache-used-name = Used for new recordings: { $model }
cache-card-delete-name = Delete model { $model }
cache-card-download = Download { $size }
cache-card-download-name = Download model { $model }
cache-page-hint = Opens its page on the Hugging Face hub in your browser
cache-obstacle-offline = Hansard is offline.
cache-obstacle-gated = Accept its conditions on its page, then give your token below.
cache-fact-download = { $size } to download
cache-fact-memory = { $size } in memory
cache-fact-languages = { $n } languages
cache-fact-english = English
cache-fact-any-language = any language
cache-fact-gated = gated: its conditions are to be accepted on its page
cache-fact-demo = for trying out: expect many mistakes in recordings of your own
cache-speed-measured = An hour of speech takes about { $duration } on this machine (measured)
cache-speed-estimated = An hour of speech takes about { $duration } on this machine (estimated)

## The token for gated models.

cache-token = Token for gated models
cache-token-nowhere = Gated models are fetched with an access token of your Hugging Face account, after you accepted their conditions on their pages. It is kept in the keyring of this computer.
cache-token-kept = A token is kept in the keyring of this computer.
cache-token-environment = The token in HF_TOKEN is used.
cache-token-field = Access token
cache-token-hint = hf_…
cache-token-keep = Keep the token
cache-token-forget = Forget the token
cache-token-page = Tokens of your account

## The choice of the model for what is opened next.

cache-choice = Model: { $model }
cache-choice-hint = Transcribes the recordings that you open next
cache-choice-more = More models…
cache-choice-demo = { $model } (built in, for trying out)
