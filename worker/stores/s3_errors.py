"""Errors of S3 and of the network on the way, as job errors.

Only an answer that is about the object itself (it is missing, taken, archived) may be the job's trouble. All other refusals
are the store's, whatever their HTTP status: a missing bucket, a token that ran out (AWS says 400), a request that this
server does not know. They are transient, so that jobs live until someone repairs them. Messages name neither our keys nor
addresses; the S3 error code and the operation go into `detail`.

Source: Amazon S3 API reference, "Error responses", read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from urllib3.exceptions import HTTPError

from reelq.worker.errors import JobError, PermanentError, TransientError

MISSING = {"NoSuchKey", "NotFound", "404", "NoSuchVersion"}
BUSY = {"SlowDown", "ServiceUnavailable", "Throttling", "RequestLimitExceeded", "OperationAborted"}
AGAIN = {"RequestTimeout", "ConditionalRequestConflict", "NoSuchUpload", "BadDigest", "IncompleteBody"}
# Credentials, whatever the HTTP status: AWS answers 400 to half of them.
DENIED = {
    "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AccountProblem", "AuthFailure", "ExpiredToken",
    "AuthorizationHeaderMalformed", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSecurity",
    "InvalidToken", "NotSignedUp", "RequestExpired", "SignatureDoesNotMatch", "TokenRefreshRequired", "UnauthorizedAccess",
    "UnrecognizedClientException", "Unauthorized",
}  # fmt: skip
LOST_RACE = {"PreconditionFailed", "412"}
NO_CONDITIONS = {"NotImplemented", "501"}  # servers that do not know If-None-Match


@contextmanager
def s3_side(operation: str) -> Iterator[None]:
    """Turn what botocore raises in the block into job errors."""
    try:
        yield
    except ClientError as error:
        raise refused(operation, code_of(error), status_of(error)) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise _denied(f"{operation}: {type(error).__name__}") from error
    except (RecursionError, BotoCoreError, HTTPError, OSError) as error:
        if is_endless(error):
            raise TransientError(
                "store_away", "The object store sends on to another address: is the endpoint that of an S3 server?", detail=f"{operation}: redirected"
            ) from error
        # The text of these may hold the address with a signature in it, so only the kind is kept.
        raise TransientError(
            "store_away", "The object store cannot be reached.", detail=f"{operation}: {type(error).__name__}"
        ) from error


def is_endless(error: BaseException | None) -> bool:
    """botocore follows a redirect to another region again and again, and may wrap what ends that."""
    while error is not None and not isinstance(error, RecursionError):
        error = error.__cause__ or error.__context__
    return error is not None


def code_of(error: ClientError) -> str:
    """The S3 error code, such as NoSuchKey; for answers without a body the HTTP status as text."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """The HTTP status; 0 when there is none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def refused(operation: str, code: str, status: int) -> JobError:
    """The job error for an answer of S3."""
    detail = f"{operation}: {code} ({status})"
    if code == "NoSuchBucket":
        return TransientError("bucket_missing", "The object store's bucket does not exist.", detail=detail)
    if code in MISSING:
        return PermanentError("object_missing", "The stored object is not there.", detail=detail)
    if code in LOST_RACE:
        return PermanentError("object_exists", "Another object has this name already.", detail=detail)
    if code == "InvalidObjectState":
        return PermanentError("object_archived", "The stored object is in cold storage; restore it first.", detail=detail)
    if code == "RequestTimeTooSkewed":
        return TransientError("store_denied", "The object store says that the worker's clock is wrong.", detail=detail)
    if code in BUSY or status in (429, 503):
        return TransientError("store_busy", "The object store asks for fewer requests.", detail=detail)
    if status in (507,) or code in ("QuotaExceeded", "StorageFull", "XMinioStorageFull"):
        return TransientError("store_full", "The object store is full.", detail=detail)
    if code in AGAIN or status >= 500 or status == 408:
        return TransientError("store_away", "The object store failed to answer properly.", detail=detail)
    if code in DENIED or status in (401, 403) or code in ("401", "403"):
        return _denied(detail)
    return TransientError("store_refused", "The object store refused the request.", detail=detail)


def _denied(detail: str) -> JobError:
    return TransientError("store_denied", "The object store does not accept the worker's credentials.", detail=detail)
