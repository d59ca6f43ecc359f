# Headlight for strangers: not as root, without compilers, and with nothing that needs to be written but the cache of
# models. docs/hosting.md says how to run it. The steps are in deploy/install.sh and deploy/start.sh, which the tests run
# too.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# An index of wheels for all packages, and one for torch alone; empty: what pip is set up for.
ARG WHEEL_INDEX=""
ARG TORCH_INDEX=""
WORKDIR /headlight
COPY requirements.txt ./
COPY deploy/install.sh deploy/
RUN PIP_NO_CACHE_DIR=1 deploy/install.sh /opt/headlight
# The browser's modules in one piece, which the app may not write where it runs.
COPY assets assets
COPY attention attention
COPY static static
RUN python3 -c "from attention import delivery; assert delivery.deliver()"

FROM ${PYTHON_IMAGE}
RUN useradd --uid 1000 --create-home --shell /usr/sbin/nologin headlight \
    && mkdir -p /models && chown headlight:headlight /models
WORKDIR /headlight
COPY --from=build /opt/headlight /opt/headlight
COPY app.py LICENSE requirements.txt ./
COPY .streamlit .streamlit
COPY assets assets
COPY attention attention
COPY deploy deploy
COPY pages pages
COPY --from=build /headlight/static static
ENV PYTHON=/opt/headlight/bin/python \
    PATH=/opt/headlight/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HEADLIGHT_PUBLIC=1 \
    HF_HOME=/models \
    PORT=8501
VOLUME /models
USER headlight
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s --retries=3 CMD ["/opt/headlight/bin/python", "deploy/health.py"]
CMD ["deploy/start.sh"]
