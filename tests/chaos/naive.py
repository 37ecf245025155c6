"""The negative control: a sender that sends, and then marks as sent. The checker must find its duplicates."""

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from tests.chaos.checker import Line, check
from tests.fakes.memo import FAULTS, memo_server

MESSAGES = 120
KILLS = 4
TIMEOUT_SECONDS = 0.5


def send_all(table: Path, url: str) -> None:
    """What many a first version does: take what is not marked, send it, mark it; try again after any error."""
    with sqlite3.connect(table, timeout=10, autocommit=True) as db:
        while row := db.execute("SELECT id FROM queue WHERE NOT sent ORDER BY random() LIMIT 1").fetchone():
            memo = {"reference": row[0], "conversation": row[0], "to": row[0], "answers": [row[0]]}
            try:
                requests.post(f"{url}/memos", json=memo, timeout=TIMEOUT_SECONDS).raise_for_status()
            except requests.RequestException:
                continue
            db.execute("UPDATE queue SET sent = 1 WHERE id = ?", [row[0]])


def duplicates(folder: Path, seed: int) -> int:
    """Run it against the same provider with the same kinds of faults and kills; how many duplicates it made."""
    rng = random.Random(seed)
    table = folder / "naive.sqlite"
    ids = [str(n) for n in range(MESSAGES)]
    with sqlite3.connect(table) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE queue (id TEXT PRIMARY KEY, sent INTEGER NOT NULL DEFAULT 0)")
        db.executemany("INSERT INTO queue (id) VALUES (?)", [(one,) for one in ids])
    with memo_server(lambda: rng.choice(list(FAULTS)) if rng.random() < 0.16 else None) as memos:
        command = [sys.executable, "-m", "tests.chaos.naive", str(table), memos.url]
        for _ in range(KILLS):
            process = subprocess.Popen(command)
            wanted = len(memos.accepted) + MESSAGES // (KILLS + 1)
            while process.poll() is None and len(memos.accepted) < wanted:
                time.sleep(0.002)
            process.kill()
            process.wait()
        subprocess.run(command, check=True)
        history: list[Line] = [sent(one) for one in ids]
        history += [{"kind": "delivered", "conversation": m.body["to"], **m.body, "t": m.at} for m in memos.accepted]
    return check(history)["duplicates"]


def sent(one: str) -> dict[str, Any]:
    return {"kind": "sent", "conversation": one, "external_id": one, "n": 0}


if __name__ == "__main__":
    send_all(Path(sys.argv[1]), sys.argv[2])
