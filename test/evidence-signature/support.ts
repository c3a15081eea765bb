import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { signBundle } from "../../src/adapters/evidence-signature/detached-jws.ts";
import { trustOf } from "../../src/adapters/evidence-signature/evidence-trust.ts";
import {
  algorithmFor,
  type EvidenceKey,
  fingerprintOf,
  parsePublicKey,
  type SignatureAlgorithm,
} from "../../src/adapters/evidence-signature/keys.ts";
import { parseEvidence } from "../../src/core/evidence/bundle.ts";

export const at = new Date("2026-03-13T20:47:00Z");

export interface Collector {
  kid: string;
  algorithm: SignatureAlgorithm;
  privateKey: KeyObject;
  publicPem: string;
  key: EvidenceKey;
}

export function newCollector(kid: string, algorithm: SignatureAlgorithm, limits: Partial<EvidenceKey> = {}): Collector {
  const { privateKey, publicKey } =
    algorithm === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  const publicPem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const read = parsePublicKey(publicPem);
  algorithmFor(read, algorithm);
  const key = { kid, algorithm, publicKey: read, fingerprint: fingerprintOf(read), servers: null, notAfter: null };
  return { kid, algorithm, privateKey, publicPem, key: { ...key, ...limits } };
}

export function keysOf(...collectors: readonly Collector[]): Map<string, EvidenceKey> {
  return new Map(collectors.map(({ kid, key }) => [kid, key]));
}

export type Json = Record<string, unknown>;

/** A bundle with every section. */
export function sampleBundle(server = "orders-replica-1"): Json {
  const origin = { name: server, role: "replica", systemIdentifier: "7412345678901234567" };
  return {
    version: 1,
    capturedAt: "2026-03-13T20:40:00Z",
    server: {
      ...origin,
      database: "orders",
      address: "10.0.3.7",
      port: 5432,
      startedAt: "2026-01-30T02:11:00Z",
      settings: { random_page_cost: "1.1" },
    },
    indexUsage: {
      windowStart: "2026-01-30T02:11:09Z",
      rows: [{ schema: "public", table: "orders", index: "idx_orders_user_id_ca", scans: 47_213_884 }],
    },
    catalog: {
      tables: [{ schema: "public", name: "orders", rows: 31_000_000 }],
      indexes: [
        {
          schema: "public",
          name: "idx_orders_user_id_ca",
          table: "orders",
          keys: [{ column: "user_id" }],
          unique: false,
        },
      ],
    },
    statistics: {
      relations: [
        { schema: "public", name: "orders", kind: "table", relpages: 400_000, reltuples: 3.1e7, relallvisible: 1 },
      ],
    },
    statements: {
      complete: true,
      rows: [{ query: "SELECT * FROM orders WHERE user_id = $1", calls: 3, totalMs: 9.5 }],
    },
    plans: [
      {
        query: "SELECT 1",
        phase: "before",
        method: "explain",
        server: origin,
        plan: "Result  (cost=0.00..0.01 rows=1 width=4)",
      },
    ],
    notes: ["pg_stat_statements was reset in January: “Wartung”"],
  };
}

export function signed(bundle: Json, { privateKey, algorithm, kid }: Collector): Json {
  return { ...bundle, signature: signBundle(bundle, privateKey, algorithm, kid) };
}

/** What the gate makes of a bundle's JSON: "signed by KID", "asserted", or why it is refused. */
export function verdict(raw: unknown, keys: ReadonlyMap<string, EvidenceKey>, now = at): string {
  const [parsed] = parseEvidence(raw, "bundle", "asserted");
  if (parsed === undefined) throw new Error("no bundle");
  const { trust, signer, problem } = trustOf(raw, parsed.bundle, keys, now);
  if (problem !== null) return `refused: ${problem}`;
  return signer === null ? trust : `${trust} by ${signer.kid}`;
}

export const base64url = (content: string | Buffer): string => Buffer.from(content).toString("base64url");
