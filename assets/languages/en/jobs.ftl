# The queue of recordings, and earlier versions of transcripts.

# Times as one says them.
jobs-time-hours = { $hours } h { $minutes } min
jobs-about = about { $time }
jobs-at-most = at most { $time }

# A recording that waits for its turn.
jobs-waiting = Waiting, { $estimate }
jobs-next = Next
jobs-next-with-time = Next, { $estimate }
jobs-do-next-named = Do { $name } next
jobs-is-next = { $name } comes next

# All that is still to be done.
jobs-queue =
    { $n ->
        [one] 1 recording waits, { $estimate } in all
       *[other] { $n } recordings wait, { $estimate } in all
    }
jobs-queue-in-part = { $n } recordings wait; { $estimate } for those of which it is known

versions-open = Earlier versions…
versions-open-hint = The transcript as it was before, to be restored
versions-title = Earlier versions
versions-explanation = Restoring makes a version the newest one. What is the newest now stays here, so that nothing is lost.
versions-loading = Looking for earlier versions…
versions-restoring = Restoring…
versions-none = There is no other version of this transcript.
versions-words =
    { $n ->
        [one] 1 word
       *[other] { $n } words
    }
versions-changes =
    { $n ->
        [0] unchanged
        [one] 1 change
       *[other] { $n } changes
    }
versions-version = { $date }: { $changes }, { $words }
versions-as-transcribed = { $date }: as transcribed, { $words }
versions-restore = Restore
versions-restore-named = Restore { $version }
versions-close = Close
versions-restored = Restored; what was there before is among the earlier versions
versions-taken-back = Undone: the version from before is back
