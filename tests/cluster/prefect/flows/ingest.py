"""A flow that does what the real ingests do with Kubernetes: it writes a file to the volume that all jobs share."""

import os
import pathlib
import time

from prefect import flow

DATA = "/sciclone/nova/REU/geo"


@flow(log_prints=True)
def ingest(name: str, data: str = DATA, until: str = ""):
    folder = pathlib.Path(data)
    seen = sorted(file.name for file in folder.iterdir() if file.suffix == ".txt")
    (folder / f"{name}.txt").write_text(f"{os.getuid()}:{os.getgid()}\n")
    print(f"wrote {name} as {os.getuid()}:{os.getgid()}, saw {seen}")
    while until and not (folder / until).exists():
        time.sleep(0.2)
