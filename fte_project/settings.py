"""One settings file, driven by the environment. Every switch is listed and explained in `.env.example`.

FTE_MODE decides what a missing value means: `local` and `test` fall back to the embedded services and to
secrets made for this checkout; `production` refuses to start instead.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from fte_project import embedded
from fte_project.databases import postgresql

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()  # NAME_FILE=/run/secrets/name works for every NAME
if (BASE_DIR / ".env").is_file() and os.environ.get("FTE_MODE") != "test":  # tests run on the defaults
    environ.Env.read_env(BASE_DIR / ".env")

MODE = env.str("FTE_MODE", "local")
if MODE not in {"local", "test", "production"}:
    raise ImproperlyConfigured(f"FTE_MODE is {MODE!r}; use local, test or production.")
PRODUCTION = MODE == "production"
TESTING = MODE == "test"

STATE_DIR = embedded.state_dir(BASE_DIR)
INSTANCE = {} if PRODUCTION else embedded.read_instance(STATE_DIR)  # what `make demo` wrote about itself


def required(name: str) -> str:
    """The variable `name`; outside production an empty string when it is unset."""
    value: str = env.str(name, "")
    if PRODUCTION and not value:
        raise ImproperlyConfigured(f"{name} must be set when FTE_MODE=production (see .env.example).")
    return value


def rate(name: str, default: str) -> tuple[int, int]:
    """The variable `name`, written `count/seconds`: so often within so long."""
    written = env.str(name, default)
    numbers = [int(n) for n in written.split("/") if n.isdecimal() and len(n) < 10]
    if len(numbers) != 2 or written.count("/") != 1 or 0 in numbers:
        raise ImproperlyConfigured(f"{name} is {written!r}; write count/seconds, for example {default}.")
    return numbers[0], numbers[1]


# --- Who we are -----------------------------------------------------------------------------------------------
DEBUG = False if PRODUCTION else env.bool("DEBUG", False)
SECRET_KEY = required("SECRET_KEY") or embedded.local_secret(STATE_DIR, "secret_key")
STATUS_TOKEN_KEY = required("STATUS_TOKEN_KEY") or embedded.local_secret(STATE_DIR, "status_token_key")
PUBLIC_BASE_URL = (required("PUBLIC_BASE_URL") or INSTANCE.get("base_url", "http://127.0.0.1:8000")).rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["127.0.0.1", "localhost", "testserver"])
if PRODUCTION and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS):
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts of the desk, without '*'.")
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
COMPANY_NAME = env.str("COMPANY_NAME", "Tidewater")
SUPPORT_HOURS = env.str("SUPPORT_HOURS", "Monday to Friday, 9:00 to 17:00")
DEMO_PORT = env.int("FTE_PORT", 8000)
DEMO = env.bool("FTE_DEMO", False) and not PRODUCTION  # landing form at `/`

# --- Services -------------------------------------------------------------------------------------------------
is_embedded = not PRODUCTION and not env.str("DATABASE_URL", "")
if not is_embedded:
    required("DATABASE_URL")
POOL_SIZE = None if TESTING else env.int("DATABASE_POOL_MAX", 20)
DATABASES = {
    "default": postgresql(
        embedded.database_settings(STATE_DIR) if is_embedded else env.db_url("DATABASE_URL"), pool_size=POOL_SIZE
    )
}
# Where the assistant's own processes connect, as a user with fewer rights (fte_project/worker_role.py).
WORKER_DATABASE: dict[str, Any] | None = None
if env.str("WORKER_DATABASE_URL", ""):
    WORKER_DATABASE = postgresql(env.db_url("WORKER_DATABASE_URL"), pool_size=POOL_SIZE)
elif is_embedded:
    WORKER_DATABASE = {**DATABASES["default"], "USER": embedded.WORKER_ROLE}
# LISTEN needs a connection of its own that no pooler cuts.
DIRECT_DATABASE_URL = env.str("DIRECT_DATABASE_URL", "")

KAFKA_BOOTSTRAP_SERVERS = required("KAFKA_BOOTSTRAP_SERVERS") or INSTANCE.get("kafka", "")
KAFKA_TOPIC_PREFIX = env.str("KAFKA_TOPIC_PREFIX", "")
KAFKA_PARTITIONS = env.int("KAFKA_PARTITIONS", 32)
KAFKA_REPLICATION = env.int("KAFKA_REPLICATION", 1)
# The embedded broker cannot do it; Apache Kafka should.
KAFKA_IDEMPOTENCE = env.bool("KAFKA_IDEMPOTENCE", PRODUCTION)
KAFKA_SESSION_TIMEOUT_MS = env.int("KAFKA_SESSION_TIMEOUT_MS", 10_000 if PRODUCTION else 3_000)

# --- The assistant --------------------------------------------------------------------------------------------
OPENAI_API_KEY = env.str("OPENAI_API_KEY", "")
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", "")
OPENAI_MODEL = env.str("OPENAI_MODEL", "gpt-4o")
OPENAI_API_MODE = env.str("OPENAI_API_MODE", "responses")  # responses | chat_completions
OPENAI_EMBEDDING_MODEL = env.str("OPENAI_EMBEDDING_MODEL", "text-embedding-3-small")
OPENAI_TIMEOUT_SECONDS = env.float("OPENAI_TIMEOUT_SECONDS", 25.0)
# Some models refuse it: `none` leaves it out.
OPENAI_TEMPERATURE = None if env.str("OPENAI_TEMPERATURE", "0") == "none" else env.float("OPENAI_TEMPERATURE", 0.0)
# US dollars for a million tokens; 0: not known, and runs have no cost.
OPENAI_PRICE_INPUT = env.float("OPENAI_PRICE_INPUT", 0.0)
OPENAI_PRICE_CACHED_INPUT = env.float("OPENAI_PRICE_CACHED_INPUT", 0.0) or OPENAI_PRICE_INPUT
OPENAI_PRICE_OUTPUT = env.float("OPENAI_PRICE_OUTPUT", 0.0)
# Of one customer: the model reads and writes no more for them within 24 hours, and people take over.
CUSTOMER_TOKENS_PER_DAY = env.int("CUSTOMER_TOKENS_PER_DAY", 200_000)
EMBEDDER_THREADS = env.int("EMBEDDER_THREADS", 2)
# The search over more passages than this has a vector index (knowledge/vector_index.py); below, it is exact.
SEARCH_INDEX_FROM = env.int("SEARCH_INDEX_FROM", 5000)
SEARCH_INDEX = env.str("SEARCH_INDEX", "ivfflat")
if SEARCH_INDEX not in {"ivfflat", "hnsw"}:
    raise ImproperlyConfigured(f"SEARCH_INDEX is {SEARCH_INDEX!r}; use ivfflat or hnsw.")
WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", 8)
RUN_DEADLINE_SECONDS = env.float("RUN_DEADLINE_SECONDS", 60.0)
SEND_DEADLINE_SECONDS = env.float("SEND_DEADLINE_SECONDS", 30.0)
MAX_ATTEMPTS = 5  # of a run
LOOP_STUCK_SECONDS = env.float("LOOP_STUCK_SECONDS", 30.0)
CONSUMER_STUCK_SECONDS = env.float("CONSUMER_STUCK_SECONDS", 30.0)
RELAY_LAG_LIMIT_SECONDS = env.float("RELAY_LAG_LIMIT_SECONDS", 30.0)
DUE_LIMIT_SECONDS = env.float("DUE_LIMIT_SECONDS", 60.0)
DELIVER_FOR_HOURS = env.int("DELIVER_FOR_HOURS", 24)
LOOK_UP_AFTER_SECONDS = env.float("LOOK_UP_AFTER_SECONDS", 5.0)
LOOK_UP_FOR_MINUTES = env.int("LOOK_UP_FOR_MINUTES", 15)

# --- The desk -------------------------------------------------------------------------------------------------
RESOLVE_PENDING_AFTER_DAYS = env.int("RESOLVE_PENDING_AFTER_DAYS", 7)
CLOSE_RESOLVED_AFTER_DAYS = env.int("CLOSE_RESOLVED_AFTER_DAYS", 14)
WATCHDOG_MINUTES = env.int("WATCHDOG_MINUTES", 15)
# Staff on duty are told of escalations by mail and here; leads again when nobody has claimed one.
STAFF_WEBHOOK_URL = env.str("STAFF_WEBHOOK_URL", "")
STAFF_WEBHOOK_SECRET = env.str("STAFF_WEBHOOK_SECRET", "")
STAFF_REMIND_MINUTES = env.int("STAFF_REMIND_MINUTES", 30)
if STAFF_WEBHOOK_URL and urlsplit(STAFF_WEBHOOK_URL).scheme not in {"http", "https"}:
    raise ImproperlyConfigured("STAFF_WEBHOOK_URL must begin with https:// or http://.")
# Which country's phone numbers customers write without a country code (DE, US); empty: such numbers are not read.
PHONE_REGION = env.str("PHONE_REGION", "").upper()
STATUS_TOKEN_DAYS = env.int("STATUS_TOKEN_DAYS", 365)
ATTACHMENTS_PER_MESSAGE = 5
ATTACHMENT_MAX_BYTES = 10 * 1024 * 1024
MAIL_ATTACHMENTS = env.int("MAIL_ATTACHMENTS", 20)  # of one mail; Gmail takes 25 MB of them
MAIL_ATTACHMENT_MAX_BYTES = 25 * 1024 * 1024
JSON_MAX_BYTES = 256 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# Mail goes out over SMTP when EMAIL_URL is set (Django's MAILERS), into files of the instance otherwise.
EMAIL_FROM = required("EMAIL_FROM") or f"{COMPANY_NAME} Support <support@example.com>"
DEFAULT_FROM_EMAIL = EMAIL_FROM
SMTP_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
if required("EMAIL_URL"):
    smtp = urlsplit(env.str("EMAIL_URL"))
    if smtp.scheme not in SMTP_PORTS:
        raise ImproperlyConfigured(f"EMAIL_URL must begin with one of {', '.join(f'{s}://' for s in SMTP_PORTS)}.")
    MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {
                "host": smtp.hostname or "localhost",
                "port": smtp.port or SMTP_PORTS[smtp.scheme],
                "username": unquote(smtp.username or ""),
                "password": unquote(smtp.password or ""),
                "use_tls": smtp.scheme == "smtp+tls",
                "use_ssl": smtp.scheme == "smtp+ssl",
                "timeout": 20,
            },
        }
    }
elif TESTING:
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
else:
    MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "OPTIONS": {"file_path": str(STATE_DIR / "mail")},
        }
    }
if TESTING and env.str("MAIL_DIR", ""):  # processes started by a test cannot share its memory
    MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "OPTIONS": {"file_path": env.str("MAIL_DIR")},
        }
    }

# E-mail is on when our mailbox is named. Outside production it may be a simulated Gmail instead of Google's: the demo
# starts one unless a mailbox is named, and its addresses are then those of every command on this machine.
for name in ("GMAIL_API_URL", "GOOGLE_KEYS_URL"):
    if PRODUCTION and env.str(name, ""):
        raise ImproperlyConfigured(f"{name} names a simulated Google: it must not be set when FTE_MODE=production.")
SIMULATED: dict[str, str] = {} if env.str("GMAIL_ADDRESS", "") else INSTANCE.get("gmail", {})


def google(name: str, default: str = "") -> str:
    """The variable `name`; unset, what the demo has set it to for its simulated Gmail."""
    value: str = env.str(name, "")
    return value or SIMULATED.get(name, default)


GMAIL_ADDRESS = google("GMAIL_ADDRESS").lower()
GMAIL_SERVICE_ACCOUNT = env.str("GMAIL_SERVICE_ACCOUNT", "")
GMAIL_API_URL = google("GMAIL_API_URL")
# Pushes of Pub/Sub: what their token is made for (our endpoint's address), and the account that signs them.
GMAIL_PUSH_AUDIENCE = google("GMAIL_PUSH_AUDIENCE")
GMAIL_PUSH_ACCOUNT = google("GMAIL_PUSH_ACCOUNT")
if GMAIL_PUSH_AUDIENCE and not GMAIL_PUSH_ACCOUNT:
    raise ImproperlyConfigured("GMAIL_PUSH_ACCOUNT must name the service account that signs the pushes.")
GMAIL_PUSH_TOPIC = google("GMAIL_PUSH_TOPIC")
GOOGLE_KEYS_URL = google("GOOGLE_KEYS_URL", "https://www.googleapis.com/oauth2/v1/certs")
GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"
GOOGLE_CONSENT_URL = "https://accounts.google.com/o/oauth2/v2/auth"
# In place of the service account: a person consents once, with `manage.py connect_gmail`.
GMAIL_OAUTH_CLIENT_ID = env.str("GMAIL_OAUTH_CLIENT_ID", "")
GMAIL_OAUTH_CLIENT_SECRET = env.str("GMAIL_OAUTH_CLIENT_SECRET", "")
GMAIL_POLL_SECONDS = env.int("GMAIL_POLL_SECONDS", 20)
GMAIL_IMPORT_DAYS = env.int("GMAIL_IMPORT_DAYS", 30)
GMAIL_GROUPS = [group.lower() for group in env.list("GMAIL_GROUPS", default=[])]
if GMAIL_ADDRESS and not (GMAIL_SERVICE_ACCOUNT or GMAIL_OAUTH_CLIENT_ID or GMAIL_API_URL):
    raise ImproperlyConfigured(
        "GMAIL_SERVICE_ACCOUNT must hold the key of a service account that acts for GMAIL_ADDRESS, or "
        "GMAIL_OAUTH_CLIENT_ID and GMAIL_OAUTH_CLIENT_SECRET name the client that a person consents to."
    )
if bool(GMAIL_OAUTH_CLIENT_ID) != bool(GMAIL_OAUTH_CLIENT_SECRET):
    raise ImproperlyConfigured("GMAIL_OAUTH_CLIENT_ID and GMAIL_OAUTH_CLIENT_SECRET belong together.")

# --- Django ---------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "fte_project.apps.FrameConfig",
    "unfold.apps.BasicAppConfig",
    "fte_project.apps.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "ninja",  # serves /api/docs from our own static files
    "channels",
    "simple_history",
    "customers",
    "knowledge",
    "tickets",
    "channels_app",
    "agent_runner",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "fte_project.middleware.api_errors",
    "fte_project.middleware.SayThatNothingIsStored",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",  # who saved an article
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "fte_project.urls"
ASGI_APPLICATION = "fte_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "fte_project.urls.company",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(STATE_DIR / "static")))
MEDIA_ROOT = Path(required("MEDIA_ROOT") or STATE_DIR / "media")
WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- Security -------------------------------------------------------------------------------------------------
# Strict for everybody; the desk alone adds 'unsafe-eval', which the admin theme's Alpine needs (fte_project/desk.py).
SECURE_CSP: dict[str, list[str]] = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
DESK_CSP: dict[str, list[str]] = {
    **SECURE_CSP,
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_TLS_PROXY", True) else None
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

ANSWERS_PER_HOUR = env.int("ANSWERS_PER_HOUR", 5)  # the last of them says that a person will answer
if ANSWERS_PER_HOUR < 2:
    raise ImproperlyConfigured("ANSWERS_PER_HOUR must be 2 or more: the last one says that a person will answer.")
# What the form takes within a fixed window (fte_project/limits.py).
RATE_LIMITS = {
    "ip": rate("RATE_LIMIT_IP", "60/600"),  # a whole office may share one address
    "email": rate("RATE_LIMIT_EMAIL", "10/3600"),
    "ticket": rate("RATE_LIMIT_TICKET", "30/600"),
    "follow_ups": rate("RATE_LIMIT_FOLLOW_UPS", "60/3600"),
    "global": rate("RATE_LIMIT_GLOBAL", "600/60"),
    "code_ticket": rate("RATE_LIMIT_CODE_TICKET", "5/3600"),
    "code_address": rate("RATE_LIMIT_CODE_ADDRESS", "6/86400"),  # three guesses each
}
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", int(PRODUCTION and env.bool("BEHIND_TLS_PROXY", True)))
if TRUSTED_PROXIES < 0:
    raise ImproperlyConfigured("TRUSTED_PROXIES must be 0 or more: the number of our own proxies before the web.")

# --- Desk theme -----------------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": f"{COMPANY_NAME} desk",
    "SITE_HEADER": f"{COMPANY_NAME} desk",
    "SITE_SYMBOL": "support_agent",
    "SITE_URL": "/support/",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "fte_project.desk.favicon"}],
    "STYLES": ["fte_project.urls.desk_stylesheet"],
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": True,
        "navigation": "fte_project.desk.navigation",
    },
    "COLORS": {  # Tailwind's blue
        "primary": {
            "50": "oklch(97% .014 254.6)",
            "100": "oklch(93.2% .032 255.6)",
            "200": "oklch(88.2% .059 254.1)",
            "300": "oklch(80.9% .105 251.8)",
            "400": "oklch(70.7% .165 254.6)",
            "500": "oklch(62.3% .214 259.8)",
            "600": "oklch(54.6% .245 262.9)",
            "700": "oklch(48.8% .243 264.4)",
            "800": "oklch(42.4% .199 265.6)",
            "900": "oklch(37.9% .146 265.5)",
            "950": "oklch(28.2% .091 267.9)",
        }
    },
}

# --- Test-only switches ---------------------------------------------------------------------------------------
MEMO_URL = env.str("MEMO_URL", "") if TESTING else ""  # a loopback provider in place of the mail server
CRASH_AT = env.str("FTE_CRASH_AT", "") if TESTING else ""  # name[:n]: SIGKILL ourselves there (fte_project/crash.py)

# Nothing is exported uninvited: the Agents SDK reads this before it sets up its uploader.
os.environ.setdefault("OPENAI_AGENTS_DISABLE_TRACING", "1")

LOGGING_CONFIG = None  # structlog, set up in fte_project/apps.py
