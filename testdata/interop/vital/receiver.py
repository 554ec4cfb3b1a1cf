"""Receives what the study sends to the program that uses it: webhooks, each kept as a
line of a file for verify_webhooks.py, and browsers that come back from the consent page.

    receiver.py PORT FILE    the secret of the endpoint is in the environment, SECRET
"""

import base64
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, FILE = int(sys.argv[1]), sys.argv[2]
OTHER = "whsec_" + base64.b64encode(b"another secret, of nobody at all").decode()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        kept = {"headers": dict(self.headers), "body": body, "good": [os.environ["SECRET"]], "bad": [OTHER]}
        with open(FILE, "a", encoding="utf-8") as file:
            file.write(json.dumps(kept) + "\n")
        self.answer(204, b"")

    def do_GET(self):
        self.answer(200, b"welcome back")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Receiver).serve_forever()
