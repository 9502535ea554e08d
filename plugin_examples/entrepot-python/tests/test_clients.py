"""pip and uv themselves: what they install from a mirrored index, in a clean virtual environment."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
import shutil
import sys
import threading
import venv
from collections.abc import AsyncIterator, Callable
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from entrepot.testing import BadOrigin, Reply, depot, served, sync

MakeWheel = Callable[..., Path]

pytestmark = [pytest.mark.clients, pytest.mark.slow]

#: Clients must see our index alone, whatever this machine's configuration says.
ALONE = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "VIRTUAL_ENV"))},
    "PIP_CONFIG_FILE": os.devnull,
    "UV_NO_CONFIG": "1",
}


class Index:
    """An upstream index of wheels that are made on the spot."""

    def __init__(self, origin: BadOrigin, folder: Path, make_wheel: MakeWheel) -> None:
        self.origin = origin
        self.folder = folder
        self.make_wheel = make_wheel
        self.pages: dict[str, list[str]] = {}
        self.digests: dict[str, str] = {}

    def add(self, project: str, version: str, *, needs: tuple[str, ...] = ()) -> None:
        wheel = self.make_wheel(self.folder, project, version, needs)
        body = wheel.read_bytes()
        self.digests[f"{project}=={version}"] = digest = hashlib.sha256(body).hexdigest()
        self.origin.put(f"/packages/{wheel.name}", body)
        link = f'<a href="/packages/{wheel.name}#sha256={digest}">{wheel.name}</a>'
        self.pages.setdefault(project, []).append(link)
        listing = "".join(f"{line}<br>" for line in self.pages[project])
        page = f"<!DOCTYPE html><html><body>{listing}</body></html>".encode()
        self.origin.on(f"/simple/{project}/", html(page))


def html(page: bytes) -> Reply:
    return Reply(body=page, headers={"Content-Type": "text/html"})


@pytest.fixture
async def index(tmp_path: Path, make_wheel: MakeWheel) -> AsyncIterator[Index]:
    """`app` 1.0 needs `lib`; both have one version."""
    async with BadOrigin() as origin:
        made = Index(origin, tmp_path, make_wheel)
        made.add("lib", "1.0")
        made.add("app", "1.0", needs=("lib>=1",))
        yield made


@pytest.fixture(scope="session")
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with nothing but pip, to be copied."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(folder, with_pip=True)
    return folder


@pytest.fixture
def environment(clean_environment: Path, tmp_path: Path) -> Path:
    """A clean virtual environment of this test's own."""
    folder = tmp_path / "venv"
    shutil.copytree(clean_environment, folder, symlinks=True)
    return folder


@pytest.fixture(params=["pip", "uv"])
def client(request: pytest.FixtureRequest, environment: Path) -> list[str]:
    """The command that installs into that environment."""
    python = str(environment / "bin" / "python")
    if request.param == "pip":
        pip = [python, "-m", "pip", "--isolated", "--disable-pip-version-check"]
        return [*pip, "install", "--no-cache-dir", "--index-url"]
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv is None:
        pytest.fail("uv is not here: install the test dependencies")
    return [uv, "pip", "install", "--quiet", "--no-cache", "--python", python, "--default-index"]


async def ran(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, env=ALONE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def installed(environment: Path, project: str) -> str:
    # Without -B, bytecode of an equally long file of the same second would be taken for the new one.
    told = await ran(str(environment / "bin" / "python"), "-B", "-c", f"import {project}; print({project}.VERSION)")
    return told.strip()


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_what_is_mirrored_installs_with_what_it_needs(
    index: Index, tmp_path: Path, client: list[str], environment: Path, policy: str
) -> None:
    """The latest version, then version 1 again when there is a second, and by hash from either."""
    options = {"include": ["app", "lib"]}
    table = {"type": "python", "url": index.origin.url("/simple/"), "policy": policy, "options": options}
    requirements = tmp_path / "requirements.txt"
    with depot(tmp_path / "depot", {"tools": table}) as opened:
        await sync(opened, "tools")
        async with served(opened) as address:
            await ran(*client, f"{address}/tools/simple/", "app")
            assert await installed(environment, "lib") == "1.0"

            index.add("lib", "2.0")
            await sync(opened, "tools")
            await ran(*client, f"{address}/tools/simple/", "--upgrade", "lib")
            assert await installed(environment, "lib") == "2.0"

            hashed = [f"{name} --hash=sha256:{index.digests[name]}\n" for name in ("lib==1.0", "app==1.0")]
            requirements.write_text("".join(hashed))
            await ran(*client, f"{address}/tools@1/simple/", "--require-hashes", "-r", str(requirements))
            assert await installed(environment, "lib") == "1.0"


async def test_an_exported_tree_installs_from_any_web_server(
    index: Index, tmp_path: Path, client: list[str], environment: Path
) -> None:
    """From a server that knows nothing but files; an export of the next version takes its place."""
    options = {"include": ["app", "lib"]}
    table = {"type": "python", "url": index.origin.url("/simple/"), "policy": "on_demand", "options": options}
    site = tmp_path / "site"
    here = ["--config", str(tmp_path / "depot" / "entrepot.toml"), "--home", str(tmp_path / "depot" / "home")]
    command = [sys.executable, "-m", "entrepot", *here, "export", "tools", "--static", str(site)]
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(site))
    with depot(tmp_path / "depot", {"tools": table}) as opened, ThreadingHTTPServer(("127.0.0.1", 0), handler) as plain:
        threading.Thread(target=plain.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{plain.server_port}/simple/"
        await sync(opened, "tools")
        await ran(*command)
        await ran(*client, url, "app")
        assert await installed(environment, "lib") == "1.0"

        index.add("lib", "2.0")
        await sync(opened, "tools")
        await ran(*command)
        await ran(*client, url, "--upgrade", "lib")
        assert await installed(environment, "lib") == "2.0"
        plain.shutdown()


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_what_is_not_mirrored_yet_installs_when_it_is_asked_for(
    index: Index, tmp_path: Path, client: list[str], environment: Path, policy: str
) -> None:
    """With what it needs, from a repository that has nothing; then from the versions that were made of it, offline."""
    table = {"type": "python", "url": index.origin.url("/simple/"), "policy": policy, "pull_through": True}
    with depot(tmp_path / "depot", {"tools": table}) as opened:
        async with served(opened) as address:
            await ran(*client, f"{address}/tools/simple/", "app")
            assert await installed(environment, "lib") == "1.0"

            asked = len(index.origin.requests)
            latest = opened.catalog.reader.version("tools").number
            hashed = [f"{name} --hash=sha256:{index.digests[name]}\n" for name in ("lib==1.0", "app==1.0")]
            (tmp_path / "requirements.txt").write_text("".join(hashed))
            url = f"{address}/tools@{latest}/simple/"
            await ran(*client, url, "--force-reinstall", "--require-hashes", "-r", str(tmp_path / "requirements.txt"))
            assert await installed(environment, "app") == "1.0"
            assert len(index.origin.requests) == asked


@pytest.mark.promise("P36")
async def test_a_package_of_ones_own_is_installed_though_an_index_has_a_newer_one(
    index: Index, tmp_path: Path, make_wheel: MakeWheel, client: list[str], environment: Path
) -> None:
    """From two repositories under one name, with the token of the private one; what it needs comes from the other."""
    (tmp_path / "own").mkdir()
    (tmp_path / "depot").mkdir()
    (tmp_path / "depot" / "token").write_text("sesame")
    index.add("acme_tools", "99.0")
    index.origin.on("/simple/acme-tools/", html("<br>".join(index.pages["acme_tools"]).encode()))
    async with BadOrigin() as origin:
        own = Index(origin, tmp_path / "own", make_wheel)
        own.add("acme_tools", "1.0", needs=("lib",))
        origin.on("/simple/acme-tools/", html("<br>".join(own.pages["acme_tools"]).encode()))
        tables = {
            "ours": {"url": origin.url("/simple/"), "private": True, "read_token": {"file": "token"}},
            "public": {"url": index.origin.url("/simple/"), "policy": "on_demand"},
        }
        included = {"ours": ["acme-tools"], "public": ["acme-tools", "lib"]}
        repositories = {
            name: {"type": "python", "options": {"include": included[name]}, **table} for name, table in tables.items()
        }
        combined = {"all": {"repositories": ["ours", "public"]}}
        with depot(tmp_path / "depot", repositories, combined=combined) as opened:
            await sync(opened, "ours")
            await sync(opened, "public")
            async with served(opened) as address:
                root = address.replace("://", "://reader:sesame@")
                await ran(*client, f"{root}/public/simple/", "acme-tools")
                assert await installed(environment, "acme_tools") == "99.0"

                force = "--force-reinstall" if "pip" in client[1:4] and "-m" in client else "--reinstall"
                for name in ("all", "all@2999-01-01"):
                    await ran(*client, f"{root}/{name}/simple/", force, "acme-tools")
                    assert await installed(environment, "acme_tools") == "1.0"
                    assert await installed(environment, "lib") == "1.0"
