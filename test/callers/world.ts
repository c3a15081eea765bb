import { createHmac } from "node:crypto";
import type { CallerConfig, OidcConfig } from "../../src/adapters/callers/caller-config.ts";
import { permissions } from "../../src/app/caller.ts";

export const textOf = (key: Buffer) => `whsec_${key.toString("base64")}`;
export const pipelineKey = Buffer.from("0123456789abcdef0123456789abcdef");
export const rotatedKey = Buffer.from("fedcba9876543210fedcba9876543210");
export const releaseKey = Buffer.from("release-secret-release-secret-32");

/** A caller that may do everything; `change` says what is special about it. */
export function caller(name: string, proof: CallerConfig["proof"], change: Partial<CallerConfig> = {}): CallerConfig {
  return {
    name,
    may: new Set(permissions),
    services: ["*"],
    environments: ["*"],
    databases: ["*"],
    rateLimit: null,
    proof,
    ...change,
  };
}

export const secrets = (...keys: Buffer[]): CallerConfig["proof"] => ({ kind: "secrets", keys });

export const oidc = (issuer: string, change: Partial<OidcConfig> = {}): CallerConfig["proof"] => ({
  kind: "oidc",
  oidc: {
    issuer,
    jwksUrl: null,
    audience: "plangate",
    claims: new Map([["repository_id", ["74"]]]),
    body: new Map(),
    ...change,
  },
});

export interface Signing {
  key?: Buffer;
  id?: string;
  /** Seconds since 1970. */
  timestamp: number | string;
}

/** Signed independently of the product, as the specification of Standard Webhooks describes it. */
export function signature(body: string | Buffer, { key = pipelineKey, id = "msg_1", timestamp }: Signing): string {
  const hmac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body);
  return `v1,${hmac.digest("base64")}`;
}

export function signedHeaders(body: string | Buffer, signing: Signing): Record<string, string> {
  return {
    "webhook-id": signing.id ?? "msg_1",
    "webhook-timestamp": String(signing.timestamp),
    "webhook-signature": signature(body, signing),
  };
}
