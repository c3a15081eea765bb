# The gate, as helm/ runs it: docker build -t registry.example.com/plangate .
ARG BUILD_IMAGE=node:22-bookworm-slim
ARG RUN_IMAGE=gcr.io/distroless/nodejs22-debian12:nonroot

FROM ${BUILD_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm install --omit=dev --no-audit --no-fund

# Of the development dependencies the build needs esbuild alone; npm installs all of them or none.
FROM dependencies AS build
RUN npm install --prefix /tools --no-audit --no-fund "esbuild@$(node -p 'require("./package.json").devDependencies.esbuild')" \
 && cp -r /tools/node_modules/. node_modules/
COPY tsconfig.json ./
COPY scripts/build.mjs scripts/
COPY src src
RUN npm run build && node dist/plangate.js --version

# No shell, no package manager; everything belongs to root, and the gate runs as nobody in particular.
FROM ${RUN_IMAGE}
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
ENV NODE_ENV=production PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin
USER 65532:65532
EXPOSE 8080 8443 9090
# A larger young generation: what many requests at once leave behind is cheaper to collect (docs/performance.md).
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=32", "/app/dist/plangate.js"]
CMD ["serve", "--config", "/etc/plangate/config/plangate.yaml"]
