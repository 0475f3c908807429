# Two stages: the compiler stays behind. Build: docker build -t tsuru-broker .
FROM debian:trixie-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
      build-essential cmake libcjson-dev libcurl4-openssl-dev libevent-dev libhiredis-dev liblmdb-dev libmariadb-dev libpq-dev \
      libsodium-dev libssl-dev libyaml-dev ninja-build pkg-config uthash-dev \
    && rm -rf /var/lib/apt/lists/*
COPY CMakeLists.txt /source/
COPY include /source/include
COPY src /source/src
RUN cmake -S /source -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF \
    && cmake --build /build --target tsuru-broker && strip /build/tsuru-broker

FROM debian:trixie-slim
LABEL org.opencontainers.image.title="tsuru-broker" \
      org.opencontainers.image.description="A service broker for tsuru" \
      org.opencontainers.image.licenses="BSD-3-Clause"
RUN apt-get update && apt-get install -y --no-install-recommends \
      ca-certificates libcjson1 libcurl4t64 libevent-core-2.1-7t64 libevent-extra-2.1-7t64 libevent-openssl-2.1-7t64 libhiredis1.1.0 \
      liblmdb0 libmariadb3 libpq5 libsodium23 libssl3t64 libyaml-0-2 \
    && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin tsuru-broker \
    && install -d -o tsuru-broker -g tsuru-broker -m 0700 /var/lib/tsuru-broker
COPY --from=build /build/tsuru-broker /usr/bin/tsuru-broker
COPY conf/broker.yaml /etc/tsuru-broker/broker.yaml
USER 10001:10001
VOLUME /var/lib/tsuru-broker
EXPOSE 8080 9080
# Nothing is written outside the volume: run it with --read-only. For a configuration at another place, set
# TSURU_BROKER_CONFIG, which serve and ping both read.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/usr/bin/tsuru-broker", "ping"]
ENTRYPOINT ["/usr/bin/tsuru-broker"]
CMD ["serve"]
