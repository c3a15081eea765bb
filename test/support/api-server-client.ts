import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { Agent, request } from "node:https";
import type { TLSSocket } from "node:tls";

/**
 * Calls an admission webhook as Kubernetes' API server does (k8s.io/apiserver/pkg/util/webhook/client.go and the admission plugins): it
 * verifies the chain against `caBundle` and the service's name, speaks HTTP/1.1, keeps connections for later calls, says in `?timeout=`
 * how long it waits, sends nothing twice, and takes nothing but a 200 with an AdmissionReview of the same version and uid.
 */
export interface ApiServerClient {
  /** Throws where an API server would say "failed calling webhook". */
  call(path: string, change?: ReviewChange): Promise<Called>;
  close(): void;
}

export interface Called {
  response: { uid: string; allowed: boolean; status?: { code: number; message: string }; warnings?: string[] };
  headers: IncomingHttpHeaders;
  /** SHA-256 of the certificate that the server showed on this connection: "AB:CD:…". */
  fingerprint: string;
  /** Was the connection used before? */
  reused: boolean;
}

export interface ReviewChange {
  /** Parts of `request` in the AdmissionReview. */
  request?: Record<string, unknown>;
  timeoutMs?: number;
}

export interface ClientOptions {
  url: string;
  caBundle: string;
  serverName?: string;
  /** The API server's own, for webhooks that ask for it. */
  clientCertificate?: { certificate: string; key: string };
  keepAlive?: boolean;
}

export const serviceName = "plangate.plangate.svc";

export function apiServerClient(options: ClientOptions): ApiServerClient {
  const { url, caBundle, serverName = serviceName, clientCertificate, keepAlive = true } = options;
  const agent = new Agent({
    keepAlive,
    ca: caBundle,
    servername: serverName,
    cert: clientCertificate?.certificate,
    key: clientCertificate?.key,
    // Go's client does not resume sessions unless it is told to.
    maxCachedSessions: 0,
  });
  return {
    async call(path, { request: change = {}, timeoutMs = 10_000 } = {}) {
      const uid = randomUUID();
      const review = {
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        request: { ...emptyRequest, ...change, uid },
      };
      const target = new URL(`${path}?timeout=${timeoutMs / 1000}s`, url);
      const answer = await post(target, agent, goJson(review), timeoutMs);
      verify(answer, uid);
      const { headers, fingerprint, reused } = answer;
      return { response: JSON.parse(answer.body).response, headers, fingerprint, reused };
    },
    close: () => agent.destroy(),
  };
}

const emptyRequest = {
  kind: { group: "batch", version: "v1", kind: "Job" },
  resource: { group: "batch", version: "v1", resource: "jobs" },
  requestKind: { group: "batch", version: "v1", kind: "Job" },
  requestResource: { group: "batch", version: "v1", resource: "jobs" },
  name: "migrate",
  namespace: "orders",
  operation: "CREATE",
  userInfo: { username: "dev@example.com", groups: ["system:authenticated"] },
  object: { apiVersion: "batch/v1", kind: "Job", metadata: { name: "migrate", namespace: "orders" }, spec: {} },
  oldObject: null,
  dryRun: false,
  options: { apiVersion: "meta.k8s.io/v1", kind: "CreateOptions" },
};

/** As Go's encoding/json writes it, with what HTML could take for something else escaped. */
function goJson(value: unknown): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, escaped);
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  fingerprint: string;
  reused: boolean;
}

function post(url: URL, agent: Agent, body: string, timeoutMs: number): Promise<Answer> {
  return new Promise((done, fail) => {
    const sent = request(url, {
      agent,
      method: "POST",
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        Host: `${serviceName}:443`,
        "Content-Type": "application/json",
        Accept: "application/json, */*",
        "User-Agent": "kube-apiserver-admission",
        "Content-Length": Buffer.byteLength(body),
      },
    });
    sent.on("error", fail);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      // The agent makes TLS connections.
      const fingerprint = (response.socket as TLSSocket).getPeerCertificate().fingerprint256;
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", fail);
      response.on("end", () => {
        const { statusCode: status = 0, headers } = response;
        done({ status, headers, body: Buffer.concat(chunks).toString(), fingerprint, reused: sent.reusedSocket });
      });
    });
    sent.end(body);
  });
}

function verify({ status, body }: Answer, uid: string): void {
  if (status !== 200) throw new Error(`failed calling webhook: status ${status}: ${body}`);
  const { apiVersion, kind, response } = JSON.parse(body);
  if (apiVersion !== "admission.k8s.io/v1" || kind !== "AdmissionReview") {
    throw new Error(`failed calling webhook: expected an AdmissionReview of admission.k8s.io/v1, got ${body}`);
  }
  if (response?.uid !== uid) throw new Error(`failed calling webhook: expected response.uid=${uid}, got ${body}`);
}
