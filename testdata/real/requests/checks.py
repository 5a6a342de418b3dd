"""What is held against each answer beside what Schemathesis knows itself."""

from urllib.parse import quote

import schemathesis

# The table of internal/api/README.md, and what succeeds.
KNOWN = {200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 423, 429}
# A server that reads no more of the address and the headers answers 431, and does not wait for the rest.
LARGEST = 30000


@schemathesis.hook
def filter_case(context, case):
    size = sum(len(quote(str(v))) for v in (case.path_parameters or {}).values())
    for part in (case.query, case.headers):
        for name, value in (part or {}).items():
            size += sum(len(name) + 2 + len(quote(str(v))) for v in (value if isinstance(value, list) else [value]))
    return size < LARGEST


@schemathesis.check
def statuses_are_known(ctx, response, case):
    if response.status_code not in KNOWN:
        raise AssertionError(f"{response.status_code} is no status of the API")


@schemathesis.check
def what_is_described_is_taken(ctx, response, case):
    """The description may not allow what is refused for its form alone."""
    positive = case.meta is not None and case.meta.generation.mode.is_positive
    if positive and response.status_code == 422 and "validation failed" in response.text:
        raise AssertionError("a request of the described form is refused: " + response.text[:600])


@schemathesis.check
def refusals_say_what_to_do(ctx, response, case):
    if response.status_code < 400:
        return
    kind = response.headers.get("content-type", [""])[0]
    if kind != "application/problem+json" or not response.json().get("detail"):
        raise AssertionError(f"{response.status_code} is no problem with a detail: {kind} {response.text[:300]}")
