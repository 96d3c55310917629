# Settings.
settings-title = Settings
settings-close = Close the settings
# The button on the pages for settings and for exporting.
settings-page-close = Close
settings-page-close-hint = Back to the recordings (Esc)

# Since when a choice counts; stands after what explains it.
settings-since-recording = Counts for recordings opened from now on.
settings-since-start = Counts when Hansard is started again.

# What stands beside a switch.
settings-on = On
settings-off = Off

settings-transcription = Transcription
settings-model = Model
settings-model-why = Turns speech into text: bigger ones are better and slower.
settings-device = Device
settings-device-why = What computes. Where the graphics card is missing, the processor does its work.
settings-device-automatic = Automatic
settings-device-processor = Processor
settings-device-metal = Graphics (Metal)
settings-device-cuda = Graphics card (CUDA)
settings-language = Language
settings-language-why = The language spoken, by its code such as en or de. Empty: it is detected.
settings-language-empty = automatic
settings-task = Text
settings-task-why = What is written down. Not every model can translate.
settings-task-transcribe = What is said
settings-task-translate = English translation
settings-beam-size = Search width
settings-beam-size-why = How many texts the search follows at once: more is slower and sometimes better.

settings-look = Look
settings-window-language = Language of the window
settings-window-language-why = What buttons and messages are written in. Some messages come from the engine, which speaks English.
settings-window-language-system = As the system
settings-theme = Colours
settings-theme-why = Colours of the window.
settings-theme-system = As the desktop
settings-theme-light = Light
settings-theme-dark = Dark
settings-scale = Size of everything
settings-scale-why = Makes everything in the window larger.
settings-font-size = Font size, points
settings-font-size-why = Size of most text; the text of transcripts is a little larger.

settings-models = Models and results
settings-offline = Work offline
settings-offline-why = Nothing is fetched from any network, whatever is asked for.
settings-keep-on-disk = Keep models and results on disk
settings-keep-on-disk-why = Models start sooner and nothing is computed twice. Off: nothing is written.
settings-keep-originals = Keep fetched files
settings-keep-originals-why = The files as they were fetched stay beside those that are ready to load.
settings-cache-folder = Folder of models and results
settings-cache-folder-why = Where models and results lie on disk. Those in the old folder stay there.
settings-cache-folder-choose = Choose…
settings-cache-folder-choose-named = Choose the folder of models and results
settings-as-usual = as usual
settings-preload = Load at the start
settings-preload-why = Models to have in memory from the start, with commas between their names.
settings-preload-empty = none
settings-memory-budget = Models in memory, MB
settings-memory-budget-why = What loaded models may take; the least recently used go first. Empty: half of it.
settings-memory-budget-empty = half of it
settings-card-budget = Models on the graphics card, MB
settings-card-budget-why = The same for the memory of a graphics card. Empty: the usual share of it.
settings-idle-minutes = Unload idle models, minutes
settings-idle-minutes-why = After so many minutes without work a model leaves the memory. 0: it stays.
settings-disk-budget = Models on disk, GB
settings-disk-budget-why = What models may take of the disk. Empty: as much as they want.
settings-no-limit = no limit
settings-results-budget = Results on disk, GB
settings-results-budget-why = What a clean-up leaves of what was computed. Empty: as much as there is.
settings-results-days = Keep results, days
settings-results-days-why = Results that were not used for so long go with a clean-up. Empty: they stay.
settings-results-days-empty = for ever

# On the page for exporting.
settings-speaker-names = Speaker names
settings-speaker-names-why = Whether the file says who speaks.
settings-by-speaker = Speaker by speaker
settings-by-speaker-why = Markdown and Word: a chapter for each speaker with all that they say.
settings-highlight-words = Underline the word that is being said
settings-highlight-words-why = Subtitles: a cue for each word, as for karaoke.
settings-line-width = Line width
settings-line-width-why = Subtitles: the most characters on a line. Empty: each segment as it is.
settings-line-count = Lines in a cue
settings-line-count-why = Subtitles: the most lines shown at once. Empty: as many as there are.

# What is wrong with what was typed.
settings-wants-number = Type a whole number from { $least } to { $most }.
settings-wants-number-or-nothing = Type a whole number from { $least } to { $most }. Or leave it empty.
settings-wants-language = Type a code of two or three letters, such as en, de or haw, or leave it empty.
settings-wants-folder = Type the whole path, from the root of the disk on, or leave it empty.
settings-wants-names = `{ $name }` is no model; put commas between names, such as demo, small.
