"""Medel's one settings file. Everything an installation chooses comes from the environment (docs/installation.md)."""

from __future__ import annotations

import sys
from pathlib import Path

import pghistory
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import environment, server

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(environment.text("MEDEL_VAR", str(BASE_DIR / "var")))

TESTING = "pytest" in sys.modules
# The project's own server in var/ (config.server), where the environment names no database.
_own = None if environment.given("DATABASE_URL") else server.addresses(BASE_DIR)
# Plain http on loopback: with the own server and no names to answer to, never in production.
LOCAL = server.local(own=_own is not None)
DEBUG = environment.flag("MEDEL_DEBUG")
SECRET_KEY = environment.secret(
    "MEDEL_SECRET_KEY",
    "of the tests alone " * 4 if TESTING else server.secrets(BASE_DIR)["secret_key"] if _own else None,
)
ALLOWED_HOSTS = environment.words("MEDEL_HOSTS", "127.0.0.1,localhost,[::1]" if LOCAL or TESTING else "")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if not LOCAL]

INSTALLED_APPS = [
    "reporting",
    "projects",
    "strategy",
    "pages",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "pgtrigger",
    "pghistory",
    "django_filters",
    "import_export",
    "django_htmx",
    "template_partials",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "axes",
    "csp",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "strategy.requests.ReaderMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "strategy.requests.page_frame",
            ],
        },
    }
]
FORM_RENDERER = "pages.forms.Renderer"

# -- Database ---------------------------------------------------------------------------------------------
# Web, worker and tests connect as the application role; `migrate` alone uses DATABASE_OWNER_URL.
DATABASE_URL = environment.secret("DATABASE_URL", _own[0] if _own else "")
DATABASE_OWNER_URL = environment.secret("DATABASE_OWNER_URL", _own[1] if _own else DATABASE_URL)
APPLICATION_ROLE = environment.text("MEDEL_APPLICATION_ROLE", "medel_app")
# With one address alone the connection may be an owner's: then every connection steps down. Tests do too,
# since the test database is created by the owner over the same connection.
STEPS_DOWN = TESTING or (bool(DATABASE_URL) and DATABASE_URL == DATABASE_OWNER_URL)
DATABASES = {
    "default": environment.database(
        DATABASE_OWNER_URL if TESTING else DATABASE_URL,
        as_role=APPLICATION_ROLE if STEPS_DOWN else None,
    )
    if DATABASE_URL
    else {"ENGINE": "django.db.backends.dummy"}
}
OWNER_DATABASE = environment.database(DATABASE_OWNER_URL) if DATABASE_OWNER_URL else None

# -- History ----------------------------------------------------------------------------------------------
PGHISTORY_DEFAULT_TRACKERS = (pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
PGHISTORY_OBJ_FIELD = pghistory.ObjForeignKey(related_name="events", related_query_name="events")
PGHISTORY_ADMIN_CLASS = None
PGHISTORY_ADMIN_MODEL = None

# -- Language and time ------------------------------------------------------------------------------------
LANGUAGE_CODE = "sv"
LANGUAGES = [("sv", _("Swedish")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Stockholm"
USE_THOUSAND_SEPARATOR = False

# -- Login ------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "strategy.Account"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "strategy.accounts.LocalAccounts"
ACCOUNT_FORMS = {
    "login": "strategy.accounts.LoginForm",
    "reset_password": "strategy.accounts.ResetPasswordForm",
    "reauthenticate": "strategy.second_factor.PasswordAgainForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Medel: "
ACCOUNT_PREVENT_ENUMERATION = True
# Nobody outside can make us write to an address that is not ours.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
# axes alone limits logins (allauth would limit the address that all staff share); allauth limits the mails.
ACCOUNT_RATE_LIMITS = {"login": False, "login_failed": False, "reset_password": "20/m/ip,5/h/key"}
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "strategy.accounts.locked_out"
AXES_USERNAME_FORM_FIELD = "login"
AXES_USERNAME_CALLABLE = "strategy.accounts.login_name"
AXES_CLIENT_IP_CALLABLE = "strategy.accounts.client_address"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# The addresses of the TLS proxy, whose X-Forwarded-For is believed; nobody else's is.
TRUSTED_PROXIES = environment.words("MEDEL_TRUSTED_PROXIES")
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if TRUSTED_PROXIES else 0

# -- Single sign-on, and what is left for local accounts (docs/installation.md) --------------------------------
SINGLE_SIGN_ON = environment.single_sign_on()
# all: everybody may have a password; emergencies: only accounts marked as kept for emergencies log in with one.
LOCAL_LOGIN = environment.one_of("MEDEL_LOCAL_LOGIN", "all", "all", "emergencies")
if LOCAL_LOGIN == "emergencies" and SINGLE_SIGN_ON is None:
    raise ImproperlyConfigured(
        "MEDEL_LOCAL_LOGIN=emergencies needs single sign-on (MEDEL_OIDC_…): otherwise nobody could log in."
    )
SOCIALACCOUNT_ADAPTER = "strategy.single_sign_on.Directory"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5  # seconds
# Whose password alone does not do: nobody's (optional), administrators', or everybody's with a local account.
SECOND_FACTOR = environment.one_of(
    "MEDEL_SECOND_FACTOR", "optional", "optional", "administrators", "everybody"
)
MFA_ADAPTER = "strategy.second_factor.SecondFactors"
MFA_FORMS = {
    "authenticate": "strategy.second_factor.CodeForm",
    "reauthenticate": "strategy.second_factor.CodeAgainForm",
    "activate_totp": "strategy.second_factor.SetUpForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Medel"
MFA_TOTP_TOLERANCE = 1  # a clock may be half a minute wrong
# Nobody signs up here: the administrator has written the address.
MFA_ALLOW_UNVERIFIED_EMAIL = True

PASSWORD_HASHERS = (
    ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if TESTING
    else [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
)

# -- Web --------------------------------------------------------------------------------------------------
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
SESSION_COOKIE_AGE = 10 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not (LOCAL or TESTING)
SECURE_SSL_REDIRECT = not (LOCAL or TESTING) and environment.flag("MEDEL_TLS_REDIRECT", True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 0 if LOCAL or TESTING else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not (LOCAL or TESTING)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# A register file is 20 MB at most; what is larger is refused before it is read.
REGISTER_FILE_LIMIT = environment.number("MEDEL_REGISTER_FILE_LIMIT", 20 * 1024 * 1024)
# A document of a project, in bytes.
DOCUMENT_LIMIT = environment.number("MEDEL_DOCUMENT_LIMIT", 50 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "strategy.attachments.LimitedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR_DIR / "files"},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING or LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = LOCAL or TESTING
FILES_DIR = VAR_DIR / "files"

# -- Mail: written to the outbox in the transaction, sent by the worker -----------------------------------
EMAIL_BACKEND = "strategy.messages.OutboxBackend"
OUTGOING_EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if environment.text("MEDEL_SMTP_HOST", "")
    else "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = str(VAR_DIR / "mail")
EMAIL_HOST = environment.text("MEDEL_SMTP_HOST", "")
EMAIL_PORT = environment.number("MEDEL_SMTP_PORT", 25)
EMAIL_HOST_USER = environment.text("MEDEL_SMTP_USER", "")
EMAIL_HOST_PASSWORD = environment.secret("MEDEL_SMTP_PASSWORD", "")
EMAIL_USE_TLS = environment.flag("MEDEL_SMTP_TLS")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = environment.text("MEDEL_MAIL_FROM", "medel@localhost")
SITE_ADDRESS = environment.text(
    "MEDEL_ADDRESS",
    f"https://{ALLOWED_HOSTS[0].lstrip('.')}" if ALLOWED_HOSTS and not LOCAL else "http://127.0.0.1:8000",
)

PROCRASTINATE_IMPORT_PATHS = ["strategy.jobs", "projects.exchange.jobs"]
PROCRASTINATE_ON_APP_READY = None

SILENCED_SYSTEM_CHECKS: list[str] = []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"medel": {"level": "INFO"}},
}
