"""The example of RFC 8291, appendix A, byte by byte."""

from __future__ import annotations

import pytest

from reelq.worker.notices import push_encryption as push

TOLD = b"When I grow up, I want to be a watermelon"
P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_standard() -> None:
    body = push.encrypt(TOLD, P256DH, AUTH, salt=push.unpadded(SALT), key=push.private_key(KEY))
    assert push.padless(body) == BODY


def test_no_two_messages_are_encrypted_alike() -> None:
    assert push.encrypt(TOLD, P256DH, AUTH) != push.encrypt(TOLD, P256DH, AUTH)


@pytest.mark.parametrize(("p256dh", "auth"), [("", AUTH), (P256DH[:-4], AUTH), (P256DH, "AA"), ("\u00e9", AUTH)])
def test_keys_that_are_none_are_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        push.encrypt(TOLD, p256dh, auth)
