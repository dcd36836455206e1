"""Prepares a demo server for the fuzzer: lifts the limits on requests, and writes the fuzzer's settings."""

import json
import pathlib
import sys
import urllib.request

up = json.loads(pathlib.Path(sys.argv[1]).read_text())
admin = pathlib.Path(up["admin_key_file"]).read_text().strip()
api = up["url"] + "/api/v1"
guild = "1"


def call(method, path, body=None, key=admin, user=None):
    request = urllib.request.Request(api + path, method=method)
    request.add_header("Authorization", f"Bearer {key}")
    if user:
        request.add_header("Questhall-User", user)
    if body is not None:
        request.add_header("Content-Type", "application/json")
        request.data = json.dumps(body).encode()
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


for limit in ("key_per_minute", "address_per_minute"):
    call("PATCH", "/settings/rate_limits", {limit: None})
campaign = up["demo_campaign"]
member = call("GET", f"/guilds/{guild}/members?limit=1")["items"][0]["user_id"]
challenge = call("GET", f"/guilds/{guild}/campaigns/{campaign}/challenges")["items"][0]["id"]

# Streams have no end to wait for; whoever pauses the queues, drains the node or signs in changes what the rest is told.
left_out = ["guild_events", "campaign_events", "member_events", "leaderboard_stream"]
checks = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
]
lines = [
    "[generation]",
    "max-examples = 15",
    'database = "none"',
    "[checks]",
    "enabled = false",
]
for check in checks:
    lines += [f"[checks.{check}]", "enabled = true"]
    if check == "negative_data_rejection":
        # Its own, and 413: what is too long for its field may be too long for any body.
        lines += ['expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]']
lines += [
    "[headers]",
    f'Authorization = "Bearer {admin}"',
    "[parameters]",
    f'"path.guild_id" = "{guild}"',
    f'"path.campaign_id" = "{campaign}"',
    f'"path.challenge_id" = "{challenge}"',
    f'"path.user_id" = "{member}"',
]
# Where an id is wanted there is always one of those above, so that a wrong one, which this phase means to send, never leaves. What the bodies
# of all operations refuse is seen by fuzzing, and by crates/server/tests/it/malformed.rs.
lines += ["[phases.coverage.checks.negative_data_rejection]", "enabled = false"]
# A batch is answered for each of its events: those that are wrong are told apart, and the others taken.
for name in ["lake_ingest"]:
    lines += [
        "[[operations]]",
        f'include-operation-id = "{name}"',
        "[operations.checks.negative_data_rejection]",
        "enabled = false",
    ]
for name in left_out:
    lines += ["[[operations]]", f'include-operation-id = "{name}"', "enabled = false"]
pathlib.Path(sys.argv[2]).write_text("\n".join(lines) + "\n")
