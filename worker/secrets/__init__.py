"""Secrets at rest: sealed before they reach the database, opened after they left it.

    keys = Keyring.load(settings)
    sealed = keys.seal(plain, table="identity.users", row=user_id, column="two_factor_secret")
    plain = keys.unseal(sealed, table="identity.users", row=user_id, column="two_factor_secret")

The keys are in a file of this host or a systemd credential (worker.secrets.keyfile says how it looks), the envelopes in columns
that a CHECK by base.is_envelope guards. Which columns those are says the catalogue; nothing here lists them.

    keys.py      one key, and how nobody sees it
    envelope.py  the bytes of an envelope
    keyfile.py   the file: strict checks, written as a whole or not at all
    keyring.py   several keys, of which one is current
"""

from reelq.worker.secrets.envelope import EnvelopeRefused as EnvelopeRefused
from reelq.worker.secrets.envelope import key_id_of as key_id_of
from reelq.worker.secrets.keyring import Keyring as Keyring
