# Transcript, timeline, player, speakers and export.
