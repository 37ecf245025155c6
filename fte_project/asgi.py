"""The web server's entry point."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fte_project.settings")
http = get_asgi_application()  # sets Django up: only what is imported after it may use models

from fte_project.lifespan import lifespan  # noqa: E402

application = ProtocolTypeRouter({"http": http, "lifespan": lifespan})
