# syntax=docker/dockerfile:1
# The service: `docker build -t faultbridge .` (or `make image`). The same image answers requests,
# advances runs and carries the command line; docs/containers.md says how it is run.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
# The environment is built where it will lie: its scripts name their interpreter by path.
RUN python -m venv /opt/faultbridge
WORKDIR /src
# The libraries first: their layer stays while the pins do.
COPY .ci/requirements/service.txt ./
RUN /opt/faultbridge/bin/pip install --no-cache-dir --require-hashes -r service.txt
COPY pyproject.toml README.md LICENSE ./
COPY bridge bridge
COPY iam iam
COPY providers providers
COPY rbac rbac
COPY examples/fis examples/fis
RUN /opt/faultbridge/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/faultbridge/bin/pip uninstall --yes pip hatchling

FROM python:${PYTHON}-slim
COPY --from=build /opt/faultbridge /opt/faultbridge
ENV PATH=/opt/faultbridge/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FAULTBRIDGE_DATA=/var/lib/faultbridge
# A number, so that a cluster can see that it is not root.
RUN install --directory --owner 65532 --group 65532 /var/lib/faultbridge
USER 65532:65532
VOLUME /var/lib/faultbridge
EXPOSE 4520
ENTRYPOINT ["faultbridge"]
CMD ["serve"]
