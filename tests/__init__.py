"""The tests mirror secpipe/; support/ builds images and runs servers."""
