"""Work in the background: a folder and a process each, with lock, heartbeat, progress and result.

``job`` starts work and tells of it, ``worker`` is what the started process uses. Knows neither
models nor data, so that a screen can ask it without loading any.
"""
