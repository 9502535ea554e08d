"""The origin of the benchmarks: files with their manifests, behind a real nginx on loopback."""

from __future__ import annotations

import getpass
import hashlib
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIGURATION = """
user {user}; daemon off; pid {run}/nginx.pid; error_log {run}/error.log warn; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 300s;
    keepalive_requests 10000000; default_type application/octet-stream;
    client_body_temp_path {run}/1; proxy_temp_path {run}/2; fastcgi_temp_path {run}/3;
    uwsgi_temp_path {run}/4; scgi_temp_path {run}/5;
    server {{ listen 127.0.0.1:{port} backlog=4096; root {root}; {more} }}
}}
"""


def make_files(root: Path, *, count: int, size: int) -> None:
    """Write files of pseudo-random bytes, a thousand a folder, and their manifest; the same every time."""
    manifest = root / "PULP_MANIFEST"
    if manifest.exists():
        return
    made = random.Random(size)
    lines = []
    for number in range(count):
        body = made.randbytes(size)
        path = root / f"{number // 1000:03}" / f"{number:06}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        lines.append(f"{path.relative_to(root)},{hashlib.sha256(body).hexdigest()},{size}\n")
    manifest.write_text("".join(lines))


def make_index(root: Path, *, count: int) -> None:
    """Write a manifest of so many lines, and no files."""
    root.mkdir(parents=True, exist_ok=True)
    manifest = root / "PULP_MANIFEST"
    if manifest.exists():
        return
    with manifest.open("w") as file:
        for number in range(count):
            digest = hashlib.sha256(str(number).encode()).hexdigest()
            file.write(f"{number // 1000:03}/{number:06}.bin,{digest},4096\n")


def change_a_line(root: Path) -> None:
    """Replace one file in the middle of a manifest by another of the same name and size."""
    manifest = root / "PULP_MANIFEST"
    lines = manifest.read_text().splitlines()
    middle = len(lines) // 2
    path, _, size = lines[middle].split(",")
    body = random.Random(time.time_ns()).randbytes(int(size))
    (root / path).write_bytes(body)
    lines[middle] = f"{path},{hashlib.sha256(body).hexdigest()},{size}"
    manifest.write_text("\n".join(lines) + "\n")


@contextmanager
def nginx(root: Path, run: Path, *, more: str = "") -> Iterator[str]:
    """Serve a folder on a free port of loopback, and yield its address; needs the nginx binary.

    `more` is said of the server in nginx's own words.
    """
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(binary).exists():
        raise SystemExit("these benchmarks need nginx: apt-get install nginx-light")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run.mkdir(parents=True, exist_ok=True)
    configuration = run / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(user=getpass.getuser(), run=run, port=port, root=root, more=more))
    server = subprocess.Popen(
        [binary, "-e", str(run / "error.log"), "-c", str(configuration)]
    )  # the binary found above
    try:
        _wait_until_open(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(10)


def _wait_until_open(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
