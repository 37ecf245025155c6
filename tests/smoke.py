"""`make smoke`: a temporary instance on free ports, five conversations through its real doors, one line of JSON."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fte_project.embedded import read_instance

GIVEN = {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "EMAIL_URL", "GMAIL_ADDRESS"}
BASE = Path(__file__).parent.parent


class Smoke:
    """One temporary instance and what is said to it."""

    def __init__(self) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="fte-s-"))
        keep = {k: v for k, v in os.environ.items() if k not in GIVEN}
        self.env = {**keep, "FTE_STATE_DIR": str(self.state), "FTE_MODE": "local", "FTE_PORT": "0"}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo"], cwd=BASE, env=self.env, stdout=subprocess.DEVNULL
        )

    def wait_ready(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            instance = read_instance(self.state)
            if instance and self.say("--text", "Are you there? This is only a test.", "--wait", "0")[0] == 2:
                return
            time.sleep(0.2)
        raise SystemExit("The instance did not become ready.")

    def say(self, *arguments: str) -> tuple[int, dict[str, object]]:
        """Run `simulate`; its exit status and JSON."""
        done = subprocess.run(
            [sys.executable, "manage.py", "simulate", *arguments, "--json"],
            cwd=BASE,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = done.stdout.strip().splitlines()
        return done.returncode, json.loads(lines[-1]) if lines else {"error": done.stderr[-500:]}

    def close(self) -> bool:
        """Ctrl-C; whether it ended by itself with status 0."""
        self.process.send_signal(signal.SIGINT)
        try:
            clean = self.process.wait(40) == 0
        except subprocess.TimeoutExpired:
            self.process.kill()
            clean = False
        shutil.rmtree(self.state, ignore_errors=True)
        return clean


def main() -> int:
    began = time.monotonic()
    smoke = Smoke()
    try:
        smoke.wait_ready()
        question = "I forgot my password and cannot sign in. How do I reset it?"
        _, answered = smoke.say("--subject", "How do I reset my password?", "--text", question)
        _, escalated = smoke.say("--subject", "Prices for a team", "--text", "What does it cost for ten people?")
        _, followup = smoke.say("--ticket", str(answered.get("ticket")), "--text", "Thanks! How do I use dark mode?")
        mailed = ("--channel", "email", "--subject", "How do I reset my password?", "--text", question)
        _, email = smoke.say(*mailed)
        _, staff = smoke.say("--as-staff", "--ticket", str(escalated.get("ticket")), "--text", "Here is our offer.")
    finally:
        stopped = smoke.close()
    ok = (
        stopped
        and answered.get("status") == "answered"
        and "reset-your-password" in list(answered.get("citations", []))
        and escalated.get("status") == "escalated"
        and escalated.get("escalation_reason") == "pricing_inquiry"
        and followup.get("ticket") == answered.get("ticket")
        and followup.get("status") in {"answered", "suggested", "escalated"}
        and email.get("status") == "answered"
        and email.get("delivered_ms") is not None
        and staff.get("status") == "answered"
        and staff.get("reply") == "Here is our offer."
    )
    said = {"answered": answered, "escalated": escalated, "followup": followup, "staff": staff}
    print(json.dumps({"ok": ok, **said, "seconds": round(time.monotonic() - began, 1)}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
