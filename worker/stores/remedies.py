"""What an operator does about the errors of a store, by code."""

from __future__ import annotations

REMEDIES = {
    "store_denied": "Check REELQ_S3_ACCESS_KEY_ID and its secret, whether a token has run out, or who owns the folder: "
    "workers put, get, list and delete.",
    "store_away": "Is it up, or mounted? Check REELQ_STORE, REELQ_S3_ENDPOINT_URL and the network.",
    "store_refused": "Look at the code of its answer; check REELQ_S3_ENDPOINT_URL and REELQ_S3_REGION.",
    "bucket_missing": "Make the bucket, or mend REELQ_STORE.",
    "store_full": "Make room.",
}


def remedy(code: str) -> str:
    """For an error of a store."""
    return REMEDIES.get(code, f"docs/operate.md; the code is {code}")
