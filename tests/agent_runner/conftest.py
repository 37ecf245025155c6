"""What tests of the assistant share."""

from collections.abc import Callable
from typing import Any

import pytest
from agents.testing import ScriptedModel

Script = Callable[..., ScriptedModel]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Make the configured model a scripted one."""

    def use(*steps: Any) -> ScriptedModel:
        model = ScriptedModel(steps)
        monkeypatch.setattr("agent_runner.assistant.configured_model", lambda: model)
        return model

    return use
