# Transcript, timeline, player, speakers and export.

# Where there is no text yet.
transcript-try-again = Try again
transcript-transcribe = Transcribe

# Beside the text. { $length } is a time such as 0:12.
transcript-gap = Speech without text, { $length }
transcript-overlap = Underlined: at the same time as { $names }
transcript-field = Text of the segment

# What can be done with chosen words. { $words } has its quotation marks.
row-words = “{ $words }”
row-play = Play from here
row-repeat = Play again and again
row-edit = Edit the text
row-split = Split before { $words }
row-merge = Merge with the next segment
row-give-segment = Give the segment to
row-give-words = Give { $words } to
row-delete = Delete the segment

# Words that may be others.
review-button = Review
review-button-hint = Words that may be others
review-summary =
    { $doubts ->
        [one] { $doubts } doubtful word
       *[other] { $doubts } doubtful words
    }, { $gaps ->
        [one] { $gaps } stretch
       *[other] { $gaps } stretches
    } of speech without text
review-next-doubt = Next doubt
review-previous-doubt = Previous doubt
review-undo = Undo the last change
review-redo = Redo the last change
review-mark = Mark doubtful words
review-no-doubt = No word is doubted.
review-doubt = { $words } at { $time }: { $percent } % sure

# What has become of a change.
edit-nothing = Nothing has changed
edit-in-places =
    { $notice } in { $n ->
        [one] { $n } place
       *[other] { $n } places
    }
edit-renamed = Called { $name } now
edit-merged-speakers = All of it was said by { $name } now
edit-given = Said by { $name } now
edit-text-taken-away = Text taken away
edit-text-changed = Text changed
edit-split = Split into two segments
edit-merged = Merged into one segment
edit-replaced = Replaced
edit-deleted = Segment deleted

# Finding and replacing.
find-button = Find
find-button-hint = Words in this transcript ({ $keys })
find-field = Find in this transcript
find-field-hint = Find
find-previous = Previous place
find-next = Next place
find-close = Close the search
find-show-replace = Replace…
find-replacement = Replace with
find-replace = Replace
find-replace-all = Replace all
find-match-case = Match case
find-whole-words = Whole words
find-place = { $n } of { $total }
find-nothing = Nothing found
# Only spoken; { $count } is one of the texts that follow or find-nothing.
find-count = Found: { $count }
find-place-spoken = Place { $n } of { $total }

# The timeline.
timeline-less = Show less time
timeline-more = Show more time
timeline-keys = Ctrl+wheel
timeline-position = Position in time
timeline-value = { $position } of { $duration }

# The player.
player-impossible = This recording cannot be played: { $reason }
player-play = Play
player-pause = Pause
player-space-bar = Space
player-back = Back 5 seconds
player-forward = Forward 5 seconds
# { $letter } is a key, too.
player-keys = { $keys } or { $letter }
player-stop-repeating = Stop repeating
player-stop-repeating-hint = Plays from { $from } to { $to } again and again
player-speed = Speed: { $speed }
player-speed-hint = How fast it plays; voices stay as high as they are
player-skip-silence = Skip silence
player-skip-silence-hint = Passes over the parts in which nobody speaks
player-volume = Volume
player-volume-hint = Volume: { $percent } %
player-sound = Sound
player-sound-hint = Volume, silence, and the device that plays
player-looking-for-devices = Looking for devices…
player-play-through = Play through
player-default-device = The system's default

# How many people speak in recordings that are opened next.
speakers-asked = Speakers: { $n }
speakers-asked-automatic = Speakers: automatic
speakers-asked-hint = How many people speak in the recordings that you open next
speakers-automatic = Automatic
speakers-number =
    { $n ->
        [one] { $n } speaker
       *[other] { $n } speakers
    }

# The list of speakers.
speakers-title = Speakers
speakers-undo = Undo
speakers-undo-hint = Undo the last change ({ $keys })
speakers-redo = Redo
speakers-redo-hint = Redo the last change ({ $keys })
speakers-card = Speaker { $name }
speakers-name = Name of { $label }
speakers-name-hint = Enter takes the name, Escape leaves the old one
speakers-talk-hint = Time, and share of all that is said
speakers-turns =
    { $n ->
        [one] { $n } turn
       *[other] { $n } turns
    }
speakers-next-turn = Next turn
speakers-next-turn-name = Next turn of { $name }
speakers-next-turn-hint = Scrolls to where this speaker takes the word next
speakers-merge = Merge into…
speakers-merge-name = Merge { $name } into…
speakers-merge-hint = For one person who was taken for two
speakers-merge-impossible = There is nobody else.
speakers-merge-choice = Merge { $name } into { $into }

# Voices: recognising and learning them.
speakers-recognised = Recognised as { $name }
speakers-unknown = Unknown; nearest is { $name }
# { $outcome } is one of the two before.
speakers-score = { $outcome }, score { $score }
speakers-score-and-margin = { $outcome }, score { $score }, margin { $margin }
speakers-moment = One moment…
speakers-learn = Learn this voice
speakers-learn-name = Learn the voice of { $name }
speakers-learn-hint = Recognises this speaker in the recordings that you open next
speakers-no-name = Give the speaker a name first.
speakers-too-little-said = The speaker said too little alone for the voice to be learnt.
# Beside the button for taking it back.
speakers-learnt = Learnt ·
speakers-learnt-otherwise = Learnt under another name ·
speakers-unlearn = Undo
speakers-unlearn-name = Undo learning the voice of { $name }
speakers-unlearn-hint = Forgets what was learnt from this recording
speakers-voice-learnt = Learnt the voice of { $name }
speakers-voice-taken-back = Took back what was learnt of { $name }

# Exporting: the menu.
export-menu = Export…
export-menu-again = { $keys } exports as the last time: { $format }
export-menu-hint = Save the transcript as a file ({ $keys })
export-menu-more = Options and preview…
export-menu-more-hint = How the file is laid out, and how it begins ({ $keys })
export-impossible = Possible when a transcript is done.
export-copied = Text copied

# Exporting: the page.
export-format = Format
export-format-explained = What the transcript is written as.
export-always-the-same = Files of this format are for programs and are always laid out in the same way.
export-times = Times
export-times-explained = Whether the file says when something was said.
export-times-usual = As usual
export-times-shown = Shown
export-times-linked = Links to the recording
export-times-hidden = Hidden
export-preview = Preview
export-no-preview = Files of this format are not shown here; open one to look at it.
export-save = Save as…
export-save-name = Save the transcript as a file

# Formats.
export-as-txt = Plain text (.txt)
export-as-markdown = Markdown (.md)
export-as-srt = SubRip subtitles (.srt)
export-as-vtt = WebVTT subtitles (.vtt)
export-as-json = JSON, as whisperX writes it (.json)
export-as-tsv = Tab-separated values (.tsv)
export-as-csv = Comma-separated values (.csv)
export-as-rttm = Speaker turns, as NIST writes them (.rttm)
export-as-docx = Word document (.docx)
export-as-html = Web page to read and listen (.html)
