# One image; the role is the argument: web, gateway, worker, beat, writer; once: migrate, check, manage <command>.
# The base needs Python 3.12 to 3.14 with venv and CA certificates, under the name python3 (Debian) or python (the official image).
ARG BASE_IMAGE=python:3.13-slim

# --- packages: the virtual environment, from hashed requirements only ---
FROM ${BASE_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements/base.txt requirements/base.txt
# An own package index or certificate reaches pip as a build secret and leaves no trace in the image.
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf,required=false \
    --mount=type=secret,id=ca_certificates,target=/run/secrets/ca_certificates,required=false \
    python3 -m venv /app/.venv \
    && if [ -s /run/secrets/ca_certificates ]; then export PIP_CERT=/run/secrets/ca_certificates; fi \
    && /app/.venv/bin/pip install --quiet --no-deps --require-hashes -r requirements/base.txt \
    && /app/.venv/bin/pip uninstall --quiet --yes pip

# --- product: code, collected static files, bytecode ---
FROM packages AS product
COPY manage.py ./
COPY router_project router_project
COPY apps apps
COPY templates templates
COPY static static
COPY locale locale
RUN .venv/bin/python -m router_project.image collect \
    && .venv/bin/python -m compileall -q -j 0 .venv/lib apps router_project

# --- what is shipped ---
FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="LLM Router"
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=router_project.settings.production \
    HOST=0.0.0.0 \
    PORT=8000 \
    STATE_DIR=/var/lib/llm-router
RUN mkdir -p /var/lib/llm-router && chown 10001:10001 /var/lib/llm-router && chmod 0700 /var/lib/llm-router
WORKDIR /app
COPY --from=product /app /app
# Belongs to root: the process cannot change its own code. Only STATE_DIR is writable (journals, last good snapshot).
USER 10001:10001
VOLUME /var/lib/llm-router
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/app/.venv/bin/python", "-m", "router_project.image", "healthy"]
ENTRYPOINT ["/app/.venv/bin/python", "-m", "router_project.processes"]
CMD ["web"]
