"""What a program does with Vital, by one of its clients for Python, from a new user to all
of the data.

    python_client.py junction|vital PERSON    BASE, BACK, STUDY, KEY and HURRIED in the environment
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import uuid
from importlib.metadata import version
from pathlib import Path

import httpx

import parquet
from book import Book, methods_of

HERE = Path(__file__).parent
PACKAGE, PERSON = sys.argv[1:3]
BASE, BACK = os.environ["BASE"], os.environ["BACK"]
DISTRIBUTION = {"junction": "junction-api-sdk", "vital": "vital"}[PACKAGE]
CLIENT = {"junction": ("junction", "Junction"), "vital": ("vital.client", "Vital")}[PACKAGE]

client_class = getattr(importlib.import_module(CLIENT[0]), CLIENT[1])
types = importlib.import_module(PACKAGE)
ApiError = importlib.import_module(f"{PACKAGE}.core.api_error").ApiError
BadRequest, Unprocessable = types.BadRequestError, types.UnprocessableEntityError
Provider = types.Providers("dexcom_v3")
ONCE = {"max_retries": 0}

book = Book(f"{DISTRIBUTION} {version(DISTRIBUTION)}", BASE, methods_of(client_class(api_key="none", base_url=BASE)))


def client(key):
    """The client as it is, with a connection that lets us see the answers."""
    return client_class(api_key=key, base_url=BASE, httpx_client=httpx.Client(timeout=90, event_hooks={"response": [book.answered]}))


def people(c):
    made = book.does("user.create", lambda: c.user.create(client_user_id=PERSON, fallback_time_zone="America/New_York", ingestion_start=os.environ["START"]),
                     lambda u: u.client_user_id == PERSON)
    book.refuses("user.create", 400, lambda: c.user.create(client_user_id=PERSON), BadRequest, lambda e: made.user_id in json.dumps(e.body))
    book.refuses("user.create", 422, lambda: c.user.create(client_user_id="two words"), Unprocessable)
    user = book.does("user.get", lambda: c.user.get(made.user_id),
                     lambda u: (u.client_user_id, u.user_id, u.connected_sources, u.ingestion_start) == (PERSON, made.user_id, [], os.environ["START"]))
    book.refuses("user.get", 404, lambda: c.user.get(str(uuid.uuid4())), ApiError)
    book.refuses("user.get", 422, lambda: c.user.get("P001"), Unprocessable)
    book.refuses("user.get", 401, lambda: client("dxk_wrong").user.get(user.user_id), ApiError)
    book.does("user.get_by_client_user_id", lambda: c.user.get_by_client_user_id(PERSON), lambda u: u == user)
    book.does("user.get_all", lambda: c.user.get_all(offset=0, limit=500), lambda page: user in page.users and page.total == len(page.users))
    book.does("user.patch", lambda: c.user.patch(user.user_id, fallback_time_zone="Europe/Berlin"))
    book.does("user.get", lambda: c.user.get(user.user_id), lambda u: u.fallback_time_zone.id == "Europe/Berlin")
    book.does("user.get_connected_providers", lambda: c.user.get_connected_providers(user.user_id), lambda p: p["providers"] == [])
    return user.user_id


def consent(c, user):
    book.does("providers.get_all", c.providers.get_all, lambda all_of: [p.slug for p in all_of] == ["dexcom_v3"])
    book.refuses("link.token", 422, lambda: c.link.token(user_id=user, redirect_url="https://elsewhere.example/"), Unprocessable)
    link = book.does("link.token", lambda: c.link.token(user_id=user, provider=Provider, redirect_url=BACK + "?session=7"))
    book.does("link.code_create", lambda: c.link.code_create(user_id=user), lambda code: code.exchange_url.startswith(BASE))
    book.does("link.get_all_providers", lambda: c.link.get_all_providers(vital_link_token=link.link_token), lambda p: p[0].slug == "dexcom_v3")
    book.does("link.generate_oauth_link", lambda: c.link.generate_oauth_link(types.OAuthProviders("dexcom_v3"), vital_link_token=link.link_token),
              lambda source: source.oauth_url == link.link_web_url)
    book.refuses("link.get_all_providers", 401, lambda: c.link.get_all_providers(vital_link_token="none"), ApiError)
    subprocess.run(["node", HERE / "consent.js", link.link_web_url, PERSON, BACK + "?session=7&state=success"], check=True, stdout=subprocess.DEVNULL)
    book.refuses("link.get_all_providers", 401, lambda: c.link.get_all_providers(vital_link_token=link.link_token), ApiError, lambda e: e.body["detail"] == "token_consumed")
    book.does("user.get", lambda: c.user.get(user), lambda u: [s.provider.slug for s in u.connected_sources] == ["dexcom_v3"])


def state(c, user):
    book.does("user.refresh", lambda: c.user.refresh(user, timeout=60), lambda r: r.refreshed_sources == ["dexcom_v3"])
    book.does("user.get_connected_providers", lambda: c.user.get_connected_providers(user),
              lambda p: p["providers"][0].status == "connected" and p["providers"][0].resource_availability["glucose"].status == "available")
    device = book.does("user.get_devices", lambda: c.user.get_devices(user), lambda d: d[0].provider == "dexcom_v3")[0]
    book.does("user.get_device", lambda: c.user.get_device(user, device.id), lambda d: d == device)
    book.refuses("user.get_device", 404, lambda: c.user.get_device(user, str(uuid.uuid4())), ApiError)
    book.does("introspect.get_user_resources", lambda: c.introspect.get_user_resources(user_id=user, provider=Provider),
              lambda page: page.data[0].provider["dexcom_v3"]["glucose"].newest_data is not None)
    book.does("introspect.get_user_historical_pulls", lambda: c.introspect.get_user_historical_pulls(user_id=user),
              lambda page: page.data[0].provider["dexcom_v3"].pulled["glucose"].status == "success")


def paged(method, user):
    """All pages of samples of a kind, as a program gets them, and how many they are."""
    samples, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = method(user, start_date="2020-01-01", end_date="2030-01-01", next_cursor=cursor)
        samples += [s for groups in page.groups.values() for group in groups for s in group.data]
        cursor, pages = page.next_cursor, pages + 1
    return samples


def data(c, user):
    for kind in ("glucose", "insulin_injection", "carbohydrates", "workout_duration", "note"):
        name = f"{kind}_grouped"
        samples = book.does(f"vitals.{name}", lambda: paged(getattr(c.vitals, name), user), lambda all_of: same(kind, all_of))
        if kind == "glucose":
            day = samples[-1].timestamp.date().isoformat()
        if kind == "glucose" and hasattr(c.vitals, "glucose"):
            book.does("vitals.glucose", lambda: c.vitals.glucose(user, start_date="2020-01-01"), lambda all_of: [s.value for s in all_of] == [s.value for s in samples])
    book.does("vitals.glucose_grouped", lambda: c.vitals.glucose_grouped(user, start_date=day, end_date=day, provider="oura"), lambda page: page.groups == {})
    milligrams = {"additional_query_parameters": {"unit": "mg/dL"}}
    book.does("vitals.glucose_grouped", lambda: c.vitals.glucose_grouped(user, start_date=day, request_options=milligrams),
              lambda page: all(s.unit == "mg/dL" and s.value == int(s.value) for group in page.groups["dexcom_v3"] for s in group.data), " (in mg/dL)")
    book.refuses("vitals.glucose_grouped", 422, lambda: c.vitals.glucose_grouped(user, start_date="yesterday"), Unprocessable)
    book.refuses("activity.get", 404, lambda: c.activity.get(user, start_date=day), ApiError)


def same(kind, samples):
    parquet.compare(os.environ["STUDY"], PERSON, kind, [json.loads(s.json()) for s in samples])
    return True


def ends(c, user):
    """Refusals for too much, and the end of a connection and of a user."""
    while book.statuses[-1:] != [429] and len(book.statuses) < 20:
        try:
            c.user.refresh(user, timeout=60, request_options=ONCE)
        except ApiError:
            break
    book.refuses("user.refresh", 429, lambda: c.user.refresh(user, request_options=ONCE), ApiError, lambda e: int(e.headers["retry-after"]) > 0)
    book.does("user.deregister_provider", lambda: c.user.deregister_provider(user, Provider), lambda r: r.success)
    book.does("user.delete", lambda: c.user.delete(user), lambda r: r.success)
    book.refuses("user.get", 404, lambda: c.user.get(user), ApiError)
    book.does("user.undo_delete", lambda: c.user.undo_delete(user_id=user), lambda r: r.success)
    book.does("user.get", lambda: c.user.get(user), lambda u: u.connected_sources == [])


def hurry():
    """A key that asks too often waits as long as it is told, and goes on."""
    hurried = client(os.environ["HURRIED"])
    for _ in range(20):  # a busy machine may let it rest long enough
        with httpx.Client(headers={"x-vital-api-key": os.environ["HURRIED"]}) as asker:
            while asker.get(BASE + "/v2/providers").status_code == 200:
                pass
        book.statuses.clear()
        hurried.providers.get_all()
        if book.statuses[0] == 429 and book.statuses[-1] == 200:
            return book.line("providers.get_all", " ".join(map(str, book.statuses)) + " (waited for Retry-After)")
    raise AssertionError("the client was never told to wait")


def main():
    c = client(os.environ["KEY"])
    user = people(c)
    consent(c, user)
    state(c, user)
    data(c, user)
    ends(c, user)
    hurry()


try:
    main()
except Exception as problem:
    book.failed += 1
    print(f"{book.client}: stopped: {problem!r}\n  the last answer:", *book.statuses[-1:], *book.bodies[-1:])
sys.exit(0 if book.close() else 1)
