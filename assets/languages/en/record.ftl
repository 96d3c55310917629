# Recording and captions.
