"""The link by which a person sets a password."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from apps.accounts.models import User


def password_link(user: User) -> str:
    """Return the address where the person sets a password; it works once and expires."""
    path = reverse(
        "account_reset_password_from_key",
        kwargs={
            "uidb36": user_pk_to_url_str(user),
            "key": default_token_generator.make_token(user),
        },
    )
    # Never from the request: its Host header could lead the mail's reader elsewhere.
    return f"{settings.PUBLIC_BASE_URL}{path}"


def send_password_link(user: User) -> None:
    """Mail the link once the transaction has been committed; a mail that fails undoes nothing."""
    transaction.on_commit(lambda: _send(user), robust=True)


def _send(user: User) -> None:
    with translation.override(user.language or settings.LANGUAGE_CODE):
        context = {"user": user, "link": password_link(user)}
        subject = render_to_string("account/email/invitation_subject.txt", context).strip()
        body = render_to_string("account/email/invitation_message.txt", context)
    send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [user.email])
