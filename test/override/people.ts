import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tokenForms } from "../../src/adapters/tokens/claims.ts";
import { signToken } from "../../src/adapters/tokens/sign-token.ts";
import { parseDeployRequest, requestDigest } from "../../src/core/request.ts";
import { ecKeys, type KeyPair, pem } from "../tokens/forge.ts";

/** Humans with a key each; `dba` is dba@example.com with the key dba-2026. */
export interface People {
  /** `approvers` of a plangate.yaml beside the key files. */
  yaml: string;
  override(
    name: string,
    request: object,
    claims?: Partial<{ rules: string[]; jti: string; reason: string }>,
    at?: Date,
  ): string;
  approval(name: string, request: object, plans: string, at?: Date): string;
}

/** Writes their public keys into the directory. */
export function people(directory: string, mayWaive: readonly string[], ...names: string[]): People {
  const keys = new Map<string, KeyPair>(names.map((name) => [name, ecKeys()]));
  for (const [name, { publicKey }] of keys) writeFileSync(join(directory, `${name}.pem`), pem(publicKey));
  const keyOf = (name: string) => {
    const pair = keys.get(name);
    if (pair === undefined) throw new Error(`nobody is called ${name}`);
    return { privateKey: pair.privateKey, algorithm: "ES256" as const, kid: `${name}-2026` };
  };
  const common = (name: string, raw: object, at: Date, seconds: number) => {
    const { request } = parseDeployRequest(raw);
    const iat = Math.floor(at.getTime() / 1000);
    const subject = `${name}@example.com`;
    return {
      iss: subject,
      sub: subject,
      aud: "orders-gate",
      iat,
      nbf: iat,
      exp: iat + seconds,
      jti: randomUUID(),
      req: requestDigest(request),
      env: request.environment,
    };
  };
  return {
    yaml: [
      "gate: { name: orders-gate }",
      "approvers:",
      ...names.map(
        (name) =>
          `  - { subject: ${name}@example.com, kid: ${name}-2026, algorithm: ES256, publicKeyFile: ${name}.pem, mayApprove: true, mayWaive: [${mayWaive.join(", ")}] }`,
      ),
      "",
    ].join("\n"),
    override: (name, request, claims = {}, at = new Date()) =>
      signToken(
        tokenForms.override,
        { ...common(name, request, at, 900), rules: [...mayWaive], reason: "The index has to come back", ...claims },
        keyOf(name),
      ),
    approval: (name, request, plans, at = new Date()) =>
      signToken(tokenForms.approval, { ...common(name, request, at, 86_400), of: "query-plans", plans }, keyOf(name)),
  };
}
