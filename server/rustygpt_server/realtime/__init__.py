"""Delivery of events to open streams: in order, without loss, and in bounded memory.

Nothing here depends on HTTP: streams write bytes to a `Sink`. Authorization belongs to `services`,
the construction of these objects to `app`.
"""
