"""Data plane: the compatible API and the two engine views, on the lean handler."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
