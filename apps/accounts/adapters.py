"""How django-allauth behaves here: nobody signs up alone, secrets of second factors are sealed."""

from typing import Any, override
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from apps.core.crypto import seal, unseal

MFA_PURPOSE = "second-factor"
# The adapter does not say whose secret it is: the purpose alone binds the ciphertext.
ANY_ROW = UUID(int=0)


class AccountAdapter(DefaultAccountAdapter):
    """People are added by owners and platform staff."""

    @override
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Single sign-on opens accounts that exist; it creates none."""

    @override
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False


class SecondFactorAdapter(DefaultMFAAdapter):
    """Seals what authenticator apps share with us; where required, a factor cannot be removed."""

    @override
    def encrypt(self, text: str) -> str:
        return seal(text, purpose=MFA_PURPOSE, tenant_id=None, row_id=ANY_ROW)

    @override
    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, purpose=MFA_PURPOSE, tenant_id=None, row_id=ANY_ROW)

    @override
    def can_delete_authenticator(self, authenticator: Any) -> bool:
        return not settings.MFA_REQUIRED
