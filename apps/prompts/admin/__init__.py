"""Prompt templates in the admin."""

from apps.prompts.admin.templates import PromptTemplateAdmin

__all__ = ["PromptTemplateAdmin"]
