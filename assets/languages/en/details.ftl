# The panel at the right: its tabs, talk time as a chart, and all that is known of a recording.

details-tabs = Panel at the right
details-tab-speakers = Speakers
details-tab-export = Export
details-tab-details = Details
details-hide = Hide this panel
details-nothing-open = Open a recording first.
details-no-speakers = Who speaks is known when a transcript is done.

details-talk = { $name }: { $time }, { $percent } %
details-talk-figures = { $time } · { $percent } %

details-copy = Copy details
details-copy-hint = Puts all of this on the clipboard as plain text
details-copied = Details copied
details-no-job = How this transcript was made is not known: it was not made here, or the library lacks its job.
details-label = { $label }:
details-unknown = not known
details-percent = { $n } %

details-recording = Recording
details-file = File
details-size = Size
details-length = Length
details-rate = Sample rate
details-hertz = { $n } Hz
details-channels = Channels
details-channel-count = { $n ->
    [1] mono
    [2] stereo
   *[other] { $n }
    }
details-container = Container
details-codec = Codec

details-transcript = Transcript
details-words = Words
details-speakers = Speakers
details-confidence = Average confidence
details-edits = Changes by hand

details-models = Models
details-model = { $name }, { $hash } ({ $place })
details-speech-model = Speech model
details-aligner = Aligner
details-segmentation = Segmentation
details-embeddings = Embeddings
details-recognition = Voice recognition
details-precision = Precision
details-precision-int8 = 8-bit integers
details-precision-f32 = 32-bit floating point

details-settings = Settings
details-asked = Asked for
details-mode = Order
details-mode-batched = many passages at once
details-mode-sequential = from beginning to end
details-speakers-asked = Speakers asked for
details-speakers-off = nobody is told apart
details-speakers-automatic = found out
details-speakers-least = { $n } or more
details-speakers-most = { $n } or fewer
details-speakers-between = { $from } to { $to }
details-prompt = Prompt
details-hotwords = Names and terms
details-prefix = Begins with

details-times = Times
details-began = Began
details-whole = Whole job
details-factor = Real-time factor
details-factor-value = { $factor } ({ $speed } times as fast as it is heard)
details-reused = Known already
details-reused-of = Known already of “{ $stage }”
details-reused-pieces = { $reused } of { $all }

details-manifest = Manifest
details-made-by = Made by
details-version = Hansard { $version }
details-file-hash = Hash of the file
details-sound-hash = Hash of the sound
details-file-now = File now
details-file-same = the same
details-file-other = another one
