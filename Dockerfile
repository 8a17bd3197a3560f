# Python by its minor version, so that a rebuild brings the security fixes of the base; what pip installs is
# pinned by hash. docs/decisions/0004-two-lock-files-and-the-image.md says why.
ARG PYTHON=3.13-slim-trixie

# The wheel, by the build tools of requirements-dev.lock: without it pip would fetch them unpinned.
FROM python:${PYTHON} AS wheel
WORKDIR /source
COPY requirements-dev.lock ./
RUN pip install --no-cache-dir --only-binary=:all: --require-hashes -r requirements-dev.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator ./operator
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:${PYTHON} AS environment
WORKDIR /source
RUN python -m venv /opt/kazoo-operator
ENV PATH=/opt/kazoo-operator/bin:$PATH
# Wheels only: an image with a compiler in it is not needed, and no setup.py runs.
COPY requirements.lock ./
RUN pip install --no-cache-dir --only-binary=:all: --require-hashes -r requirements.lock
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:${PYTHON}
COPY --from=environment /opt/kazoo-operator /opt/kazoo-operator
# The root filesystem is read-only in the cluster: nothing is to be written beside the code.
ENV PATH=/opt/kazoo-operator/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# As a number: with runAsNonRoot the kubelet cannot tell of a name that it is not root.
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["kazoo-operator"]
CMD ["run"]
