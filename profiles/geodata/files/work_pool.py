"""Looks at the work pool before a worker starts, and says in one line what is wrong with it.

With `manage` it also makes the pool, or gives it the template that jobs are made from: a worker hands its own template over only
when it makes the pool itself. Nothing but Python is needed: Prefect's own client takes longer to load than all of this.
"""

import base64
import json
import os
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

URL = os.environ["PREFECT_API_URL"]
PATIENCE = 30  # seconds


def is_on(name):
    return os.environ.get(name, "").strip().lower() in ("1", "true", "yes")


def trust():
    """The certificates that Prefect's client goes by."""
    if is_on("PREFECT_API_TLS_INSECURE_SKIP_VERIFY"):
        return ssl._create_unverified_context()
    return ssl.create_default_context(cafile=os.environ.get("PREFECT_API_SSL_CERT_FILE") or None)


def headers():
    known = {"Content-Type": "application/json", "Accept": "application/json"}
    if os.environ.get("PREFECT_API_KEY"):
        known["Authorization"] = "Bearer " + os.environ["PREFECT_API_KEY"]
    elif os.environ.get("PREFECT_API_AUTH_STRING"):
        text = base64.b64encode(os.environ["PREFECT_API_AUTH_STRING"].encode()).decode()
        known["Authorization"] = "Basic " + text
    return known


def ask(method, path, body=None):
    """What the server answers, or None when it does not have it."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, headers=headers(), method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=trust()) as answer:
            text = answer.read()
            return json.loads(text) if text else {}
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


def make(name, template):
    try:
        return ask("POST", "/work_pools/", {"name": name, "type": "kubernetes", "base_job_template": template})
    except urllib.error.HTTPError as error:
        if error.code != 409:  # another worker was faster
            raise
        return ask("GET", "/work_pools/" + urllib.parse.quote(name, safe=""))


def prepare(manages, name, template):
    path = "/work_pools/" + urllib.parse.quote(name, safe="")
    pool = ask("GET", path)
    if pool is None and not manages:
        return f"there is no work pool {name} at {URL}"
    if pool is None:
        pool = make(name, template)
    if pool is None:
        return f"Prefect at {URL} has no work pools; is this the URL of its API?"
    if pool["type"] != "kubernetes":
        return f"the work pool {name} is of type {pool['type']}, not kubernetes; name another in prefect.workPool"
    if manages and pool["base_job_template"] != template:
        ask("PATCH", path, {"base_job_template": template})
    print(f"work pool {name} at {URL} is as it should be" + (", but paused" if pool.get("is_paused") else ""))
    return None


def explained(error):
    if isinstance(error, urllib.error.HTTPError):
        if error.code in (401, 403):
            return f"Prefect at {URL} refuses the API key: {error.code} {error.reason}"
        text = error.read(300).decode(errors="replace").replace("\n", " ")
        return f"Prefect at {URL} answers {error.code} {error.reason}: {text}"
    if isinstance(error, urllib.error.URLError):
        return f"Prefect at {URL} cannot be reached: {error.reason}"
    if isinstance(error, OSError):
        return f"Prefect at {URL} cannot be reached: {error}"
    return f"Prefect at {URL} does not answer as its API does: {type(error).__name__} {error}"


def main():
    mode, name, file = sys.argv[1:]
    with open(file) as source:
        template = json.load(source)
    try:
        problem = prepare(mode == "manage", name, template)
    except Exception as error:  # whatever it is, one line says more than a traceback
        problem = explained(error)
    if problem:
        sys.exit(problem)


main()
