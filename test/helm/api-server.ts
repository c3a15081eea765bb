/**
 * An API server with no cluster behind it, for the real helm and kubectl: it stores objects, refuses those that Kubernetes would refuse, and
 * lets Jobs and Pods end at once.
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { type ApiResource, apiResources, discoveryDocuments } from "./api-resources.ts";
import { readProtobufSecret } from "./protobuf-secret.ts";
import { applied } from "./server-side-apply.ts";
import { type KubernetesObject, problemsOf } from "./strict-object.ts";

export interface TestCluster {
  /** For the tools' environment. */
  env: { KUBECONFIG: string };
  /** Writes, in order: "create Secret plangate-keys". Helm's own record of releases is left out. */
  readonly log: string[];
  get(kind: string, name: string): KubernetesObject | null;
  /** Changes an object as somebody else than Helm would. */
  change(kind: string, name: string, change: (object: KubernetesObject) => void): void;
  names(kind: string): string[];
  close(): Promise<void>;
}

interface Stored {
  object: KubernetesObject;
  resource: ApiResource;
  /** What was applied last. */
  applied: KubernetesObject;
}

type Tree = { [key: string]: unknown };

export async function startTestCluster(): Promise<TestCluster> {
  const stored = new Map<string, Stored>();
  const log: string[] = [];
  const watchers = new Set<(type: string, entry: Stored) => void>();
  let version = 1;

  const put = (key: string, entry: Stored, type: "ADDED" | "MODIFIED") => {
    version += 1;
    Object.assign(entry.object.metadata, { resourceVersion: String(version) });
    ended(entry.object);
    stored.set(key, entry);
    for (const tell of watchers) tell(type, entry);
  };

  const documents = discoveryDocuments();
  const server = createServer((request, response) => {
    answer(request, response)
      .catch((error: unknown) => failure(500, "InternalError", String(error)))
      .then((answered) => answered !== "streamed" && send(response, answered));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<Answer | "streamed"> {
    const url = new URL(request.url ?? "/", "http://cluster");
    const document = documents.get(url.pathname);
    if (document !== undefined) return { status: 200, body: document };
    const target = targetOf(url.pathname);
    if (target === null) return failure(404, "NotFound", `${url.pathname} is not there`);
    if (request.method === "DELETE") return remove(target);
    if (request.method !== "GET") return write(request, url, target);
    if (target.name !== null) return get(target);
    if (!url.searchParams.has("watch")) return list(target, url);
    watch(target, url, response);
    return "streamed";
  }

  async function write(request: IncomingMessage, url: URL, target: Target): Promise<Answer> {
    const body = await bodyOf(request);
    const type = request.headers["content-type"] ?? "";
    const given: KubernetesObject = type.includes("protobuf") ? readProtobufSecret(body) : parse(body.toString("utf8"));
    const merged = type.includes("apply-patch");
    const key = keyOf(target, target.name ?? given.metadata.name);
    const old = stored.get(key);
    if (request.method === "POST" && old !== undefined) return failure(409, "AlreadyExists", `${key} is there already`);
    if (request.method === "PATCH" && !merged) return failure(415, "UnsupportedMediaType", `${type} is not expected`);
    const problems = problemsOf(given);
    if (problems.length > 0) return failure(400, "BadRequest", problems.join("; "));
    const object = old === undefined ? created(given, target) : next(old, given, merged);
    if (!url.searchParams.has("dryRun")) {
      put(key, { object, resource: target.resource, applied: given }, old === undefined ? "ADDED" : "MODIFIED");
      note(old === undefined ? "create" : "update", object);
    }
    return { status: old === undefined ? 201 : 200, body: object };
  }

  function get(target: Target): Answer {
    const entry = stored.get(keyOf(target, target.name ?? ""));
    return entry === undefined ? notFound(target) : { status: 200, body: entry.object };
  }

  function remove(target: Target): Answer {
    const key = keyOf(target, target.name ?? "");
    const entry = stored.get(key);
    if (entry === undefined) return notFound(target);
    stored.delete(key);
    note("delete", entry.object);
    for (const tell of watchers) tell("DELETED", entry);
    return { status: 200, body: { kind: "Status", apiVersion: "v1", status: "Success" } };
  }

  const isWanted =
    (target: Target, url: URL) =>
    ({ resource, object }: Stored): boolean =>
      resource === target.resource &&
      (target.namespace === null || object.metadata.namespace === target.namespace) &&
      matches(object.metadata, url.searchParams);

  function list(target: Target, url: URL): Answer {
    const { kind, groupVersion } = target.resource;
    const items = [...stored.values()].filter(isWanted(target, url)).map(({ object }) => object);
    const metadata = { resourceVersion: String(version) };
    return { status: 200, body: { kind: `${kind}List`, apiVersion: groupVersion, metadata, items } };
  }

  /** With all that is there first (`sendInitialEvents`), as clients ask for it. */
  function watch(target: Target, url: URL, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    const write = (type: string, object: object) => response.write(`${JSON.stringify({ type, object })}\n`);
    const wanted = isWanted(target, url);
    const tell = (type: string, entry: Stored) => {
      if (wanted(entry)) write(type, entry.object);
    };
    if (url.searchParams.get("sendInitialEvents") === "true") {
      for (const entry of stored.values()) tell("ADDED", entry);
      const { kind, groupVersion } = target.resource;
      const annotations = { "k8s.io/initial-events-end": "true" };
      write("BOOKMARK", {
        kind,
        apiVersion: groupVersion,
        metadata: { resourceVersion: String(version), annotations },
      });
    }
    response.flushHeaders();
    watchers.add(tell);
    response.once("close", () => watchers.delete(tell));
  }

  function note(verb: string, { kind, metadata, ...rest }: KubernetesObject): void {
    if ((rest as Tree).type !== "helm.sh/release.v1") log.push(`${verb} ${kind} ${metadata.name}`);
  }

  const folder = mkdtempSync(join(tmpdir(), "plangate-cluster-"));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo; // of a server that listens on a port
  const kubeconfig = join(folder, "config");
  writeFileSync(kubeconfig, kubeconfigOf(`http://127.0.0.1:${port}`));
  const find = (kind: string, name: string) =>
    [...stored.values()].find(({ resource, object }) => resource.kind === kind && object.metadata.name === name);
  return {
    env: { KUBECONFIG: kubeconfig },
    log,
    get: (kind, name) => structuredClone(find(kind, name)?.object ?? null),
    change(kind, name, change) {
      const entry = find(kind, name);
      if (entry === undefined) throw new Error(`There is no ${kind} ${name}`);
      change(entry.object);
    },
    names: (kind) =>
      [...stored.values()]
        .filter(
          ({ resource, object }) =>
            resource.kind === kind && (object as { type?: string }).type !== "helm.sh/release.v1",
        )
        .map(({ object }) => object.metadata.name)
        .sort(),
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Answer {
  status: number;
  body: object;
}

interface Target {
  resource: ApiResource;
  namespace: string | null;
  name: string | null;
}

/** /api/v1/namespaces/a/secrets/b → the Secret b of a. */
function targetOf(path: string): Target | null {
  const form = /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?$/;
  const [, group, version, namespace, plural, name] = form.exec(path) ?? [];
  const groupVersion = group === undefined ? version : `${group}/${version}`;
  const resource = apiResources.find((one) => one.groupVersion === groupVersion && one.plural === plural);
  return resource === undefined ? null : { resource, namespace: namespace ?? null, name: name ?? null };
}

function keyOf({ resource, namespace }: Target, name: string): string {
  return [resource.groupVersion, resource.plural, namespace ?? "", name].join(" ");
}

function created(given: KubernetesObject, { namespace }: Target): KubernetesObject {
  const object = structuredClone(given);
  const metadata = { uid: randomUUID(), creationTimestamp: "2026-11-22T12:00:00Z", generation: 1 };
  Object.assign(object.metadata, metadata, namespace === null ? {} : { namespace });
  return object;
}

function next({ object, applied: before }: Stored, given: KubernetesObject, merged: boolean): KubernetesObject {
  // Objects of JSON are trees.
  if (merged) return applied(object as Tree, before as Tree, given as Tree) as KubernetesObject;
  return { ...given, metadata: { ...object.metadata, ...given.metadata } };
}

/** What controllers would write after a while. */
function ended(object: KubernetesObject): void {
  const condition = { type: "Complete", status: "True", lastTransitionTime: "2026-11-22T12:00:00Z" };
  if (object.kind === "Job") Object.assign(object, { status: { succeeded: 1, conditions: [condition] } });
  if (object.kind === "Pod") Object.assign(object, { status: { phase: "Succeeded" } });
}

function matches({ name, labels = {} }: KubernetesObject["metadata"], query: URLSearchParams): boolean {
  const named = /^metadata\.name=(.+)$/.exec(query.get("fieldSelector") ?? "")?.[1];
  const wanted = (query.get("labelSelector") ?? "").split(",").filter((part) => part !== "");
  return (
    (named === undefined || named === name) &&
    wanted.every((part) => {
      const [, key = "", operator, value] = /^([^!=]+)(!=|==?)(.*)$/.exec(part) ?? [];
      return operator === "!=" ? labels[key] !== value : labels[key] === value;
    })
  );
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function notFound({ resource, name }: Target): Answer {
  return failure(404, "NotFound", `${resource.plural} "${name}" not found`);
}

function failure(code: number, reason: string, message: string): Answer {
  return { status: code, body: { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message } };
}

function kubeconfigOf(server: string): string {
  const name = "test";
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [{ name, cluster: { server } }],
    users: [{ name, user: { token: name } }],
  });
}
