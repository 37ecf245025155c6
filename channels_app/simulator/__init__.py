"""Loopback providers for the demo and for tests: they do what a real one may do, and say what they accepted."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if settings.PRODUCTION:
    raise ImproperlyConfigured(
        "The simulators are for the demo and for tests; they do not run with FTE_MODE=production."
    )
