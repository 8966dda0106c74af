"""Background work: each job has a folder and a process, with lock, heartbeat, progress and result.

``job`` starts jobs and reads their state; ``worker`` is used by the started process. Neither models
nor data are imported here, so that a screen can ask about a job at once.
"""
