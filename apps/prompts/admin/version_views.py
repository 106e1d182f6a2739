"""Pages around versions: write one, show and try one, make one live."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.audit.actors import actor_of
from apps.core.errors import InvalidRequest
from apps.prompts import prompt_manager
from apps.prompts.admin.previews import preview
from apps.prompts.admin.version_form import MORE, VersionEditor, samples_from, with_more_rows
from apps.prompts.admin.wording import shown_records, shown_variables
from apps.prompts.models import PromptTemplate, PromptVersion
from apps.prompts.problems import describe_error

VIEW = "prompts.view_prompttemplate"
WRITE = "prompts.add_promptversion"
MAKE_LIVE = "prompts.change_prompttemplate"
PREVIEW = "preview"


class VersionViewsMixin:
    """Views of PromptTemplateAdmin."""

    admin_site: Any
    opts: Any

    def new_version_view(self, request: HttpRequest, template_id: Any) -> HttpResponse:
        """Write the next version, starting from the live or the named one; try it before saving."""
        _require(request, WRITE)
        template = _template(template_id)
        if request.method != "POST":
            return self._editor_page(
                request, template, VersionEditor(base=_base(request, template))
            )
        if MORE in request.POST:
            editor = VersionEditor(with_more_rows(request.POST))
            return self._editor_page(request, template, editor)
        editor = VersionEditor(request.POST)
        if not editor.is_valid():
            return self._editor_page(request, template, editor)
        try:
            if PREVIEW in request.POST:
                return self._editor_page(
                    request, template, editor, **_tried(request, template, editor)
                )
            version = prompt_manager.create_version(
                template=template,
                comment=editor.comment.cleaned_data["comment"],
                actor=actor_of(request),
                **editor.content(),
            )
        except InvalidRequest as error:
            return self._editor_page(request, template, editor, problem=editor.explain(error))
        text = _("Version %(number)s is saved. It is not live yet.") % {"number": version.number}
        messages.success(request, text)
        return HttpResponseRedirect(_version_url(version))

    def version_view(self, request: HttpRequest, template_id: Any, number: int) -> HttpResponse:
        """Show what a version says, and what it becomes with sample values."""
        _require(request, VIEW)
        version = _version(template_id, number)
        content = {"messages": version.messages, "variables": version.variables}
        samples = samples_from(request.POST, _with_types(version.variables))
        context: dict[str, Any] = {"samples": samples}
        if request.method == "POST":
            try:
                context["preview"] = preview(
                    slug=version.template.slug, content=content, samples=samples
                )
            except InvalidRequest as error:
                context["problem"] = describe_error(error)
        context |= {
            "version": version,
            "messages_shown": shown_records(version.messages),
            "variables": shown_variables(_with_types(version.variables)),
            "is_live": version.pk == version.template.live_version_id,
            "may_make_live": request.user.has_perm(MAKE_LIVE),
            "write_url": _write_url(version) if request.user.has_perm(WRITE) else "",
        }
        return self._page(request, "prompts/version.html", str(version), context)

    def make_live_view(self, request: HttpRequest, template_id: Any, number: int) -> HttpResponse:
        """Say what making a version live does; POST does it."""
        _require(request, MAKE_LIVE)
        version = _version(template_id, number)
        if request.method == "POST":
            reason = request.POST.get("comment", "")
            prompt_manager.make_live(version=version, actor=actor_of(request), reason=reason)
            told = _("%(version)s is live from the next publish on.") % {"version": version}
            messages.success(request, told)
            return HttpResponseRedirect(_template_url(version.template_id))
        title = _("Make %(version)s live") % {"version": version}
        context = {"version": version, "live": version.template.live_version}
        return self._page(request, "prompts/make_live.html", title, context)

    def _editor_page(
        self,
        request: HttpRequest,
        template: PromptTemplate,
        editor: VersionEditor,
        **context: Any,
    ) -> HttpResponse:
        title = _("New version of %(template)s") % {"template": template}
        context = {"template": template, "editor": editor, "more": MORE, **context}
        return self._page(request, "prompts/new_version.html", title, context)

    def _page(
        self, request: HttpRequest, page: str, title: str, context: dict[str, Any]
    ) -> HttpResponse:
        shell = self.admin_site.each_context(request)
        return TemplateResponse(
            request, page, {**shell, "title": title, "opts": self.opts, **context}
        )


def _tried(request: HttpRequest, template: PromptTemplate, editor: VersionEditor) -> dict[str, Any]:
    content = editor.content()
    prompt_manager.check_version(slug=template.slug, **content)
    samples = samples_from(request.POST, content["variables"])
    try:
        return {
            "samples": samples,
            "preview": preview(slug=template.slug, content=content, samples=samples),
        }
    except InvalidRequest as error:
        return {"samples": samples, "problem": editor.explain(error)}


def _with_types(variables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return declarations with what may be left out in the API filled in."""
    return [{"type": "text", "required": True, **record} for record in variables]


def _base(request: HttpRequest, template: PromptTemplate) -> PromptVersion | None:
    number = request.GET.get("from", "")
    if number.isdigit():
        return get_object_or_404(template.versions.all(), number=int(number))
    return template.live_version or template.versions.order_by("-number").first()


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _template(template_id: Any) -> PromptTemplate:
    rows = PromptTemplate.objects.select_related("live_version")
    template: PromptTemplate = get_object_or_404(rows, pk=template_id)
    return template


def _version(template_id: Any, number: int) -> PromptVersion:
    rows = PromptVersion.objects.select_related("template__live_version")
    version: PromptVersion = get_object_or_404(rows, template_id=template_id, number=number)
    return version


def _template_url(template_id: Any) -> str:
    return reverse("admin:prompts_prompttemplate_change", args=[template_id])


def _write_url(version: PromptVersion) -> str:
    """Return where a new version is written, with this one to start from."""
    page = reverse("admin:prompts_prompttemplate_new_version", args=[version.template_id])
    return f"{page}?from={version.number}"


def _version_url(version: PromptVersion) -> str:
    arguments = [version.template_id, version.number]
    return reverse("admin:prompts_prompttemplate_version", args=arguments)
