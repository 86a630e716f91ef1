"""Deliveries of events to endpoints: Standard Webhooks, signed, bounded, and never to a network of our own unless the settings allow it.

    secrets.py     a secret: made, sealed, opened
    message.py     an event as body and headers
    answer.py      what an endpoint's answer means
    connection.py  one kept connection: POST, with one deadline for all of it
    clock.py       cuts connections whose time is over
    crowding.py    how many deliveries may wait for one endpoint at once
    targets.py     what is known of endpoints, for some seconds
    sender.py      all of these together, one for a worker

Source: Standard Webhooks, specification 1.0.0 (github.com/standard-webhooks/standard-webhooks), read 2026-11-27.
"""

from reelq.worker.webhooks.sender import Sender as Sender
from reelq.worker.webhooks.sender import sender_of as sender_of
