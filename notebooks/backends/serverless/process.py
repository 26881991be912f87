"""The chat as a process that lives for one request, in Microcule's convention.

The request's head is JSON in the argument after -e, its body standard input. The answer's body is standard output, its
status and headers a line of JSON on file descriptor 3. Microcule executes this text with `Hook` already there.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, os.environ.get("CHAT_FOLDER", str(Path.cwd())))

from chat import answer


def main() -> None:
    """Answer the one request."""
    head = json.loads(sys.argv[sys.argv.index("-e") + 1])["input"]
    query = head["url"].partition("?")[2]
    status, headers, body = answer(query, head["headers"], sys.stdin.buffer.read())
    head_line = {"type": "writeHead", "payload": {"code": status, "headers": headers}}
    os.write(3, json.dumps(head_line).encode() + b"\n")
    sys.stdout.buffer.write(body)
    sys.stdout.flush()


main()
