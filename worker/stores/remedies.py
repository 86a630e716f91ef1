"""What an operator does about the errors of a store, by code and kind of store. For SQL the same is in queue.remedy_of_code."""

from __future__ import annotations

from urllib.parse import unquote

REMEDIES = {
    "store_denied": "Check REELQ_S3_ACCESS_KEY_ID and its secret, and whether a token has run out: workers put, get, list and delete.",
    "store_away": "Is it up? Check REELQ_STORE, REELQ_S3_ENDPOINT_URL and the network.",
    "store_refused": "Look at the code of its answer; check REELQ_S3_ENDPOINT_URL and REELQ_S3_REGION.",
    "bucket_missing": "Make the bucket, or correct REELQ_STORE.",
    "store_full": "Make room, or give the bucket a larger quota.",
}
OF_FOLDERS = {
    "store_denied": "Is it mounted read-only? Does the account that runs workers own the folder? They write, read, list and delete in it.",
    "store_away": "Is it mounted, and the right one? Check REELQ_STORE.",
    "store_full": "Make room on the disk of the folder.",
}
# In a store that a lost one was replaced by, nothing bears the mark that the database knows.
ACCEPT = "If it takes the place of the one that was: delete from media.stores where bucket = '{bucket}'; and, if it is empty: {mark}"
MARK_FOLDER = "mkdir -p {folder}/.incoming && echo new > {folder}/.incoming/store"
MARK_S3 = "put any word there as the object .incoming/store"


def remedy(code: str, store: str, detail: str = "") -> str:
    """For an error of a store; `store` is its address as in REELQ_STORE, `detail` the error's."""
    is_folder = store.startswith("file:")
    found = REMEDIES.get(code, f"docs/operate.md; the code is {code}")
    found = OF_FOLDERS.get(code, found) if is_folder else found
    if code != "store_away" or not ("mark" in detail or "is empty" in detail):
        return found
    return f"{found} {accept((unquote(store) if is_folder else store).rstrip('/'))}"


def accept(bucket: str) -> str:
    """How a store that bears another mark than the known one, or none, is made the one that is meant."""
    mark = MARK_FOLDER.format(folder=bucket.removeprefix("file://")) if bucket.startswith("file:") else MARK_S3
    return ACCEPT.format(bucket=bucket.replace("'", "''"), mark=mark)
