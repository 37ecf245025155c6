"""Every address of the desk."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import path

from channels_app.web_form import views as web_form
from fte_project.api import api
from fte_project.health import look, look_for_web
from knowledge import views as knowledge


def company(_: HttpRequest) -> dict[str, Any]:
    """Context processor: what every page shows."""
    return {"company": settings.COMPANY_NAME}


def desk_stylesheet(_: HttpRequest) -> str:
    return static("tickets/desk.css")


def healthz(_: HttpRequest) -> JsonResponse:
    """This process answers."""
    return JsonResponse({"ok": True})


def readyz(request: HttpRequest) -> JsonResponse:
    """Everything that is needed to answer a customer works (200), or what does not (503).

    `?part=web` looks only at the database, which is all that a web process needs to take messages: for the probe of
    a load balancer, because a broker that is down is no reason to turn customers away.
    """
    ready = look_for_web() if request.GET.get("part") == "web" else look()
    return JsonResponse(ready.as_json(), status=503 if ready.problems else 200)


urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("help/<path:slug>", knowledge.article, name="help-article"),
    path("support/", web_form.form_page, name="support-form"),
    path("support/t/<str:token>", web_form.status_page, name="status-page"),
    path("support/t/<str:token>/code", web_form.send_code_page, name="send-code"),
    path("support/t/<str:token>/confirm", web_form.enter_code_page, name="enter-code"),
    path("healthz", healthz),
    path("readyz", readyz),
]
if settings.DEMO:
    urlpatterns += [path("", web_form.landing)]
