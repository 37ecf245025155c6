"""Loopback providers for tests: they do what a real one may do, and can be asked what they accepted."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if settings.PRODUCTION:
    raise ImproperlyConfigured("The simulators are for tests; production must not import them.")
