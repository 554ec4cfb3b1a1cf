"""Which methods a client of Vital has, which of our routes they ask, and what came of it."""

import inspect
import json
import re
import traceback
import urllib.request
from collections import defaultdict
from pathlib import Path

# Why a method has no route with us: of the first that fits its name.
REASONS = json.loads((Path(__file__).parent / "reasons.json").read_text())


def template(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


def our_routes(base):
    """(verb, route with {}) to the route as we describe it."""
    with urllib.request.urlopen(base + "/openapi.json") as answer:
        paths = json.load(answer)["paths"]
    return {(verb.upper(), template(path)): path for path, verbs in paths.items() for verb in verbs}


def methods_of(client):
    """Each method's name to the verb and the route that its source asks for, "" for none that it tells."""
    found = {}
    for part in sorted(name for name in dir(client) if not name.startswith("_")):
        raw = getattr(getattr(client, part), "_raw_client", None)
        for name in dir(raw):
            if raw is None or name.startswith("_") or not callable(getattr(raw, name)):
                continue
            source = inspect.getsource(getattr(raw, name))
            path, verb = re.search(r'f?"/?(v\d/[^"]+)"', source), re.search(r'method="(\w+)"', source)
            found[f"{part}.{name}"] = (verb[1], "/" + template(path[1])) if path and verb else ("", "")
    return found


class Book:
    """What one client did. Its lines go to standard output."""

    def __init__(self, client, base, methods):
        self.client, self.methods, self.routes = client, methods, our_routes(base)
        self.statuses, self.bodies, self.called, self.failed = [], [], set(), 0

    def answered(self, response):
        """To be called with each answer that the client gets."""
        response.read()
        self.statuses.append(response.status_code)
        self.bodies.append(response.text)

    def line(self, method, outcome):
        verb, route = self.methods[method]
        print(f"{self.client:<22} {method:<32} {verb:<6} {self.routes.get((verb, route), route):<58} {outcome}", flush=True)

    def does(self, method, call, expect=lambda got: True, note=""):
        """One call that must succeed, and give what is expected."""
        self.called.add(method)
        self.statuses.clear(), self.bodies.clear()
        try:
            got = call()
            if not expect(got):
                raise AssertionError(f"not as expected: {got}")
        except Exception:
            return self.fault(method)
        self.line(method, " ".join(map(str, self.statuses)) + note)
        return got

    def refuses(self, method, status, call, error, holds=lambda raised: True):
        """One call that must raise an error of a kind, with that status and with our words."""
        self.called.add(method)
        self.statuses.clear(), self.bodies.clear()
        try:
            call()
        except error as raised:
            if raised.status_code == status and "detail" in (raised.body if isinstance(raised.body, dict) else vars(raised.body)) and holds(raised):
                return self.line(method, f"{' '.join(map(str, self.statuses))} raises {type(raised).__name__}")
            return self.fault(method)
        except Exception:
            return self.fault(method)
        self.failed += 1
        self.line(method, f"FAILED: no error, wanted {status}")

    def fault(self, method):
        self.failed += 1
        self.line(method, "FAILED")
        traceback.print_exc(limit=-2)
        print("  the last answer:", *self.statuses[-1:], *self.bodies[-1:], flush=True)

    def close(self):
        """Says which methods have no route, and why; True if all others were called."""
        without = defaultdict(list)
        for method, route in self.methods.items():
            if route not in self.routes:
                without[next(why for fits, why in REASONS if re.search(fits, method))].append(method)
            elif method not in self.called:
                self.failed += 1
                self.line(method, "FAILED: not called")
        for why, methods in sorted(without.items()):
            print(f"{self.client:<22} without a route ({why}): {', '.join(methods)}")
        n = sum(map(len, without.values()))
        print(f"{self.client:<22} {len(self.methods) - n} methods with a route, {n} without a route, {self.failed} failures", flush=True)
        return self.failed == 0
