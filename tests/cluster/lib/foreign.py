#!/usr/bin/env python3
"""foreign.py ARCHITECTURE: takes what `docker save` writes, and gives the same images for another architecture."""

import hashlib
import io
import json
import sys
import tarfile

entries = {}
source = tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()))
for entry in source:
    entries[entry.name] = (entry, source.extractfile(entry).read() if entry.isfile() else b"")

manifest = json.loads(entries["manifest.json"][1])
for image in manifest:
    _, text = entries.pop(image["Config"])
    config = json.loads(text)
    config["architecture"] = sys.argv[1]
    text = json.dumps(config).encode()
    image["Config"] = hashlib.sha256(text).hexdigest() + ".json"
    entries[image["Config"]] = (tarfile.TarInfo(image["Config"]), text)
entries["manifest.json"] = (tarfile.TarInfo("manifest.json"), json.dumps(manifest).encode())

with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as target:
    for entry, text in entries.values():
        entry.size = len(text)
        target.addfile(entry, io.BytesIO(text))
