import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import jwt from "jsonwebtoken";

export interface SigningKey {
  kid: string;
  privateKey: KeyObject;
  jwk: object;
}

export interface TestIssuer {
  url: string;
  /** What the issuer publishes now. */
  keys: SigningKey[];
  /** Paths that were asked for. */
  asked: string[];
  /** Answers in place of the documents; null: the documents. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | null;
  discovery: Record<string, unknown>;
  sign(claims?: object, options?: { key?: SigningKey; header?: object; at?: Date }): string;
  close(): Promise<void>;
}

export function newKey(kind: "rsa" | "ec" = "ec", extra: object = {}): SigningKey {
  const { privateKey, publicKey } =
    kind === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const kid = randomUUID();
  return { kid, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, use: "sig", ...extra } };
}

/** Claims of a GitHub Actions job, by default for the audience `plangate`. */
export const jobClaims = {
  aud: "plangate",
  sub: "repo:acme/orders:environment:production",
  repository: "acme/orders",
  repository_id: "74",
  environment: "production",
  sha: "9f1c2e7",
  actor: "octocat",
};

/** An OIDC issuer on loopback that signs what it is told to. */
export async function startIssuer(now: () => Date): Promise<TestIssuer> {
  const server = createServer((request, response) => {
    issuer.asked.push(request.url ?? "");
    if (issuer.answer !== null) return issuer.answer(request, response);
    const body = request.url === "/jwks" ? { keys: issuer.keys.map(({ jwk }) => jwk) } : issuer.discovery;
    response.setHeader("content-type", "application/json").end(JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: TestIssuer = {
    url,
    keys: [newKey("ec")],
    asked: [],
    answer: null,
    discovery: { issuer: url, jwks_uri: `${url}/jwks` },
    sign(claims = {}, { key = issuer.keys[0], header = {}, at = now() } = {}) {
      if (key === undefined) throw new Error("the issuer has no key");
      const seconds = Math.floor(at.getTime() / 1000);
      const all = { iss: url, ...jobClaims, iat: seconds, nbf: seconds, exp: seconds + 300, ...claims };
      const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      const algorithm = key.privateKey.asymmetricKeyType === "rsa" ? "RS256" : "ES256";
      return jwt.sign(JSON.stringify(given), key.privateKey, {
        algorithm,
        header: { alg: algorithm, kid: key.kid, typ: "JWT", ...header },
      });
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  return issuer;
}
