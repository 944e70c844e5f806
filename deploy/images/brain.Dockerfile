# The brain and the action server, on Python 3.10 with Rasa. The model is trained when the image is
# built, so that an image is one state of the content; nothing is downloaded but locked packages.
# Build it from the project's folder:
#   docker build -f deploy/images/brain.Dockerfile -t mobilis-brain:0.1.0 .
# Writes to /tmp and /var/lib/mobilis alone; everything else may be read-only.

FROM python:3.10.18-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
WORKDIR /app
RUN python -m venv /opt/tools && python -m venv --without-pip /opt/mobilis
COPY requirements ./requirements
RUN /opt/tools/bin/python -m pip install --quiet --require-hashes -r requirements/uv.lock
COPY pyproject.toml README.md LICENSE ./
# What the project needs when it runs, as the lock has it; the lock also holds what tests need.
RUN /opt/tools/bin/uv pip install --python /opt/mobilis/bin/python --quiet --verify-hashes \
    --constraint requirements/brain.lock --extra rasa -r pyproject.toml

FROM python:3.10.18-slim-bookworm AS model
ENV PATH=/opt/mobilis/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 HOME=/tmp RASA_TELEMETRY_ENABLED=false
WORKDIR /app
COPY --from=packages /opt/mobilis /opt/mobilis
COPY pyproject.toml LICENSE config.yml credentials.yml domain.yml endpoints.yml ./
COPY migrations ./migrations
COPY actions ./actions
COPY assessment ./assessment
COPY coaches ./coaches
COPY content ./content
COPY data ./data
COPY faq ./faq
COPY mobilis ./mobilis
# The model, the encoder and the recognizer, for everybody to read; not what training remembers.
RUN python -m mobilis.cli train && rm -rf .rasa/cache && python -m compileall -q mobilis actions \
    && chmod -R a+rX .

FROM python:3.10.18-slim-bookworm
ENV PATH=/opt/mobilis/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp MPLCONFIGDIR=/tmp RASA_TELEMETRY_ENABLED=false MOBILIS_DATA_DIR=/var/lib/mobilis \
    MOBILIS_BRAIN_HOST=0.0.0.0 MOBILIS_ACTIONS_HOST=0.0.0.0
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin mobilis \
    && install -d -o mobilis -g mobilis -m 0700 /var/lib/mobilis
WORKDIR /app
COPY --from=packages /opt/mobilis /opt/mobilis
COPY --from=model /app /app
USER 10001:10001
VOLUME ["/tmp", "/var/lib/mobilis"]
EXPOSE 5005 5055
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=6s --start-period=120s --retries=3 CMD ["python", "-m", "mobilis.cli", "health", "brain"]
ENTRYPOINT ["python", "-m", "mobilis.cli"]
CMD ["brain"]
