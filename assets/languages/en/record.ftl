# Recording and captions.

## The page for recording.

record-title = Record a meeting
record-hear = Listen to
record-hear-microphone = Microphone
record-hear-system = What this computer plays
record-hear-both = Both
record-start = Start recording
record-model = Model: { $model }
record-full-window = Full window
record-compact-window = Compact window
record-compact-window-hint = A small window in front of all others
record-markers =
    { $n ->
        [one] { $n } marker: { $places }
       *[other] { $n } markers: { $places }
    }
record-quit = Stop recording and close Hansard?
record-quit-consequence = What was recorded is kept and listed in the library. It can be transcribed the next time.
record-quit-verb = Stop and close

## Devices.

record-device-microphone = Microphone: { $device }
record-device-system = Played by: { $device }
record-device-hint = The device that is recorded from
record-device-default = { $device } (default)
record-device-missing = { $device } (not there)
record-device-facts =
    { $rate } Hz, { $channels ->
        [one] { $channels } channel
       *[other] { $channels } channels
    }
record-default = Default
record-default-named = Default: { $device }
record-no-microphone = No microphone was found. Plug one in, or look at the sound settings of the system.
record-no-system-audio = What this computer plays cannot be recorded yet: on Linux that takes PulseAudio or PipeWire, and everywhere a device that plays.
# Two devices that are recorded at once.
record-sources = { $first } and { $second }

## Buttons, with what a screen reader says and with hints.

record-stop = Stop
record-stop-name = Stop recording
record-stop-hint = End the recording and transcribe it ({ $keys })
record-pause = Pause
record-pause-name = Pause recording
record-resume = Resume
record-resume-name = Resume recording
record-mark = Mark
record-mark-name = Set a marker
record-mark-hint = Mark this place in the recording ({ $key })
record-button-hint = Records a meeting, with captions while people speak ({ $keys } begins at once)

## How the recording goes on.

record-status-idle = Not recording
record-status-starting = Starting…
record-status-recording = Recording { $duration }
record-status-paused = Paused at { $duration }
record-status-stopping = Ending the recording…
record-strip-captions = Captions
record-strip-captions-hint = Show the recording and its captions
record-too-loud = Too loud
record-level = Level
record-level-hint = How loud the recording is; near the right end it is too loud
record-level-silent = silent
record-level-too-loud = too loud
record-space = Room for { $left }
record-space-little = The disk is nearly full: there is room for { $left } more. Make room, or the recording will end by then; what was recorded is kept.

## What is told.

record-told-started = Recording from { $sources }
record-told-paused = The recording is paused
record-told-resumed = The recording goes on
record-told-marked = Marked { $at }
record-told-recorded = Recorded { $duration }
record-told-recorded-marked =
    Recorded { $duration }, { $n ->
        [one] { $n } marker
       *[other] { $n } markers
    }
record-told-silent = { $secs } s of the recording are silent, for this machine was too busy
record-told-repaired = A recording that was cut off is whole again and in the library, { $duration } long: { $path }. It was not transcribed yet.
record-engine-stopped = The recording has ended, because Hansard's engine has stopped. What was recorded is kept, and made whole when Hansard starts again: { $path }

## Captions.

record-captions-choice = Captions while people speak
record-captions-choice-late = Chosen before the recording begins.
record-captions-smaller = Smaller captions
record-captions-larger = Larger captions
record-captions-now = Jump to now
record-captions-earlier = Show earlier captions
record-captions-off = Without captions. The transcript is made when the recording has ended.
record-captions-to-come = Here stands what is said, while it is said. The whole transcript is made when the recording has ended.
record-captions-none-yet = Nothing was said yet.
record-captions-loading = Loading the models for captions…
record-captions-behind = Captions are { $late } behind, because this computer cannot keep up. The recording is not touched by it.

## A recording and the job that transcribes it.

# The name of a transcript without a recording.
record-no-file = Transcript
record-job-waiting = Waiting
record-job-starting = Starting
record-job-running = { $stage } { $percent } %
record-job-running-left = { $stage } { $percent } %, about { $remaining } left
record-job-stopping = Stopping
record-job-done = Done
record-job-failed = Failed
record-job-cancelled = Cancelled
record-job-none = Not transcribed

# What stands in the place of the text.
record-text-waits = Its turn comes when the recordings before it are done.
record-text-starts = Starting…
record-text-appears = The first sentences appear in a moment.
record-text-stage = { $stage }…
record-text-stops = Stopping…
record-text-no-speech = No speech was found in this recording.
record-text-cancelled = Stopped before there was any text. Try again to go on where it stopped.
record-text-partly-done = A job began and did not end. Transcribe the recording to go on where it stopped.
record-text-file-missing = The file is not where it was, and there is no transcript of it. Put it back to transcribe it.
record-text-not-yet = This recording has not been transcribed yet.

record-stage-decode = Reading audio
record-stage-models = Loading models
record-stage-speech = Finding speech
record-stage-transcribe = Transcribing
record-stage-align = Aligning words
record-stage-diarize = Telling speakers apart
record-stage-recognise = Recognising voices

record-fact-failed = Failed: the text ends early
record-fact-stopped = Stopped: the text ends early
record-fact-length = Length { $length }
record-fact-language = Language { $language }
record-fact-model = Model { $model }
record-fact-demo-model = Built-in demo model, for trying out
record-fact-continues = Continues at { $at }

# What did not have to be computed.
record-known = Known already: { $parts }
record-known-partly = { $result } { $n } of { $all }
record-known-all = All of it was known already
record-result-sound = sound
record-result-models = models
record-result-speech = speech
record-result-text = text
record-result-times = times of words
record-result-speakers = speakers
record-result-names = names
