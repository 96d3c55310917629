# The window: its frame, first page, messages and questions.

# The language's own name.
language-name = English

# The bar at the top.
toolbar-open = Open recording…
# In a narrow window.
toolbar-open-short = Open…
toolbar-open-hint = Audio or video files ({ $keys })
toolbar-path = Open by path…
# In a narrow window.
toolbar-path-short = Path…
toolbar-record = Record
toolbar-record-hint = Records a meeting ({ $keys } begins and ends it at once)
toolbar-copy = Copy text
# In a narrow window.
toolbar-copy-short = Copy
toolbar-copy-nothing = There is no text yet.
toolbar-speakers = Speakers
toolbar-speakers-hint = Who speaks, and for how long
toolbar-speakers-unknown = Known when a transcript is done.
toolbar-library = Library
toolbar-library-hint = All recordings, and a search through what was said in them
toolbar-models = Models
toolbar-models-hint = Which models there are, and what is in memory and on disk
toolbar-theme = Theme
toolbar-settings = Settings
toolbar-settings-hint = Settings ({ $keys })

# The bar at the bottom.
status-device =
    CPU, { $n ->
        [one] { $n } thread
       *[other] { $n } threads
    }
status-device-hint = What the transcription runs on
status-messages =
    { $n ->
        [one] { $n } message
       *[other] { $n } messages
    }
status-messages-hint = All warnings and errors since the start, also those that were dismissed
status-no-model = no model in memory
status-no-model-hint = Models come into memory with the first recording and stay for the next one.
status-models =
    { $n ->
        [one] { $n } model, { $size }
       *[other] { $n } models, { $size }
    }

# Warnings and errors.
messages-warning = Warning
messages-error = Error
messages-dismiss = Dismiss
messages-dismiss-named = Dismiss: { $beginning }
messages-copy = Copy
messages-copy-named = Copy: { $beginning }

# The first page.
welcome-promise = Turns recordings of meetings into text, and nothing ever leaves this computer.
welcome-demo = Try the demo meeting
welcome-no-demo = The demo meeting is missing from this installation. Install Hansard again to get it back.
welcome-record = Record a meeting
welcome-drop = You can also drop audio and video files anywhere on this window.
welcome-demo-model = The model that is chosen now is small and built in. It is for trying Hansard out: expect many mistakes in recordings of your own, and choose a bigger one for them.
drops-hint = Drop the files to transcribe them

# The recordings of this session.
jobs-cancel = Cancel
jobs-cancel-named = Cancel { $name }
jobs-retry = Retry
jobs-retry-named = Retry { $name }
jobs-progress = Progress of { $name }

# Told by the desktop while nobody looks at the window.
notifier-done = { $name } is transcribed
notifier-failed = { $name } is not transcribed; the window says why

# Downloads of models, each in one line.
download-waiting = waiting
download-part = { $part } of { $whole }
download-left = about { $time } left
download-paused = paused at { $part }
download-preparing = checking and preparing
download-done = done
download-cancelled = cancelled

# The field for typing a path.
path-recording = Path of the recording
path-recording-accept = Open
path-watched = Path of the folder
path-watched-accept = Watch
path-cache = Path of the folder for models and results
path-cache-accept = Choose
path-models = Path of the models
path-models-accept = Import
path-new-file = Path of the new file
path-new-file-accept = Save
path-close = Close
path-no-dialog = This desktop has no file dialog, so please type the path.
path-no-dialog-to-save = This desktop has no file dialog, so please type the path. A file of that name is replaced.

# The desktop's dialogs.
dialog-open = Open recordings
dialog-recordings = Audio and video
dialog-transcripts = Transcripts
dialog-all-files = All files
dialog-export = Export transcript
dialog-watch = Watch folders with recordings
dialog-cache = Folder of models and results
dialog-import-models = Import models
dialog-import-folders = Import folders with models
dialog-export-models = Export models
dialog-model-files = Models of Hansard

# Questions.
ask-keep = Keep
quit-question = Quit Hansard?
quit-quit = Quit
quit-keep = Keep running
quit-recordings =
    { $n ->
        [one] { $n } recording is
       *[other] { $n } recordings are
    } not transcribed yet. What is known of them is kept: opened again, they go on where they stopped.
quit-changes =
    { $n ->
        [one] { $n } transcript was
       *[other] { $n } transcripts were
    } changed, and the changes are in this window only. Export what you want to keep.
quit-downloads =
    { $n ->
        [one] { $n } model is
       *[other] { $n } models are
    } being fetched. Downloads go on where they stopped when they are resumed.
quit-unfinished = Not finished: { $what }.

# Transcripts of other programs.
imports-unreadable = { $file } cannot be read: { $problem }
imports-too-large = { $file } cannot be read: it is too large for a transcript
imports-no-thread = { $file } cannot be read, for the system grants no thread: { $problem }
imports-read = Read { $file } as the transcript of { $recording }
imports-read-alone = Read { $file }; there is no recording of its name beside it

# What the window says of itself and of small actions.
app-recording = Recording
app-no-engine = Hansard cannot transcribe: { $problem }. Close other programs and start Hansard again.
app-engine-missing = Nothing can be transcribed, because the engine did not start. Start Hansard again.
app-engine-stopped = Hansard's engine has stopped
app-engine-lost = Hansard's engine has stopped by mistake. Restart Hansard, and please report it.
app-dialog-open = A file dialog is open already; it may be behind this window.
app-cache-folder = Models and results lie in { $folder } when Hansard is started again
app-scale = Size of everything: { $percent } %
app-message-copied = Message copied
app-path-copied = Path copied
app-turn = { $name } at { $time }
app-renamed = { $before } is { $name } now
app-name-taken-away = { $before } is { $label } again
app-merged = { $from } and { $into } are one speaker now
app-undone = Undone
app-redone = Redone
app-continues = { $name } continues at { $time }
app-saved = Saved as { $file }
app-not-exported = Not exported: { $problem }. Export again and choose another folder or name.
app-settings-not-saved = The settings apply to this window only, because they could not be saved: { $problem }

# The list of keys.
shortcuts-title = Keyboard shortcuts
shortcuts-close = Close
shortcuts-close-named = Close the shortcuts
# Between keys that do the same, or opposite things.
shortcuts-or = or
shortcuts-recordings = Recordings
shortcuts-open = Open recordings
shortcuts-export = Export as the last time
shortcuts-export-page = Export with options and a preview
shortcuts-search = Search all transcripts, where the library is shown
shortcuts-recording = Recording a meeting
shortcuts-record = Begin at once, or end it
shortcuts-pause = Pause, or go on
shortcuts-mark = Mark a place in it
shortcuts-listening = Listening
shortcuts-play = Play or pause; the space bar only where no button has the focus
shortcuts-back = Go back
shortcuts-forward = Go forward
shortcuts-play-word = Play from the chosen word
shortcuts-transcript = Transcript
shortcuts-undo = Undo the last change
shortcuts-redo = Redo it
shortcuts-find = Find words
shortcuts-replace = Find words and replace them
shortcuts-next-place = Go to the next place found, or to the one before
shortcuts-next-doubt = Go to the next doubtful word, or to the one before
shortcuts-choose = Choose another word
shortcuts-choose-more = Choose more words or fewer
shortcuts-edit = Change the text of the chosen segment
shortcuts-split = Split it before the chosen word
shortcuts-merge = Merge it with the next one
shortcuts-speaker = Give it, or several chosen words, to the first speaker; with 2 to 9, to another one
shortcuts-page = Scroll by a page
shortcuts-ends = Go to the beginning or the end
shortcuts-window = Window
shortcuts-settings = Settings
shortcuts-scale = Make everything larger or smaller
shortcuts-usual-size = Make everything as large as usual
shortcuts-quit = Quit Hansard
shortcuts-list = This list
shortcuts-everywhere = Everywhere
shortcuts-focus = Go to the next button or field; with Shift, to the one before
shortcuts-press = Press the button that has the focus; the space bar does the same
shortcuts-escape = Close what is in front, or leave a page
