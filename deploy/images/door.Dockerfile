# The front door, on a current Python, without Rasa. Also runs the commands of an operator, such as
# `mobilis migrate`. Build it from the project's folder:
#   docker build -f deploy/images/door.Dockerfile -t mobilis-door:0.1.0 .
# Writes to /tmp and /var/lib/mobilis alone; everything else may be read-only.

FROM node:22.16.0-bookworm-slim AS widget
WORKDIR /build/widget
COPY widget/package.json widget/package-lock.json widget/.npmrc ./
RUN npm ci --loglevel error
COPY widget/build.mjs widget/tsconfig.json widget/css.d.ts ./
COPY widget/src ./src
COPY widget/locales ./locales
RUN npm --silent run build

FROM python:3.13.5-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
WORKDIR /app
RUN python -m venv /opt/tools && python -m venv --without-pip /opt/mobilis
COPY requirements ./requirements
RUN /opt/tools/bin/python -m pip install --quiet --require-hashes -r requirements/uv.lock
COPY pyproject.toml README.md LICENSE ./
# What the project needs when it runs, as the lock has it; the lock also holds what tests need.
RUN /opt/tools/bin/uv pip install --python /opt/mobilis/bin/python --quiet --verify-hashes \
    --constraint requirements/door.lock -r pyproject.toml

FROM python:3.13.5-slim-bookworm
ENV PATH=/opt/mobilis/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp MOBILIS_HOST=0.0.0.0 MOBILIS_DATA_DIR=/var/lib/mobilis
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin mobilis \
    && install -d -o mobilis -g mobilis -m 0700 /var/lib/mobilis
WORKDIR /app
COPY --from=packages /opt/mobilis /opt/mobilis
COPY pyproject.toml LICENSE domain.yml ./
COPY migrations ./migrations
COPY assessment ./assessment
COPY coaches ./coaches
COPY content ./content
COPY data ./data
COPY faq ./faq
COPY mobilis ./mobilis
COPY --from=widget /build/widget/dist ./widget/dist
RUN python -m compileall -q mobilis && chmod -R a+rX .
USER 10001:10001
VOLUME ["/tmp", "/var/lib/mobilis"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "mobilis.cli", "health", "door"]
ENTRYPOINT ["python", "-m", "mobilis.cli"]
CMD ["door"]
