import type { KeyObject } from "node:crypto";
import { z } from "zod";
import type { SignatureAlgorithm } from "../evidence-signature/keys.ts";

export interface ApproverKey {
  publicKey: KeyObject;
  /** SHA-256 of the SubjectPublicKeyInfo (DER): "sha256:…". */
  fingerprint: string;
}

/** One key of a human who may approve or waive. A human may have several. */
export interface Approver {
  subject: string;
  /** What the tokens' `iss` must be. */
  issuer: string;
  kid: string;
  /** The key's, whatever a token says. */
  algorithm: SignatureAlgorithm;
  /** `fixed`: read at the start. `url`: the JWK Set that has it now. */
  key: ({ kind: "fixed" } & ApproverKey) | { kind: "url"; jwksUrl: string };
  /** Rule ids. */
  mayWaive: ReadonlySet<string>;
  mayApprove: boolean;
  /** Globs; null: any. */
  environments: readonly string[] | null;
  /** Other names under which requests name the same human. */
  aliases: readonly string[];
}

export interface Approvers {
  /** The `aud` of tokens: the gate's name. */
  audience: string;
  byKid: ReadonlyMap<string, Approver>;
  /** How many different people must sign for a rule; absent: one. */
  quorum: ReadonlyMap<string, number>;
  /** The longest time from `iat` to `exp`. */
  maxTtlMs: { override: number; approval: number };
  revoked: Revoked;
}

/** What must not count any more. `subjects` as `personKey` writes them. */
export interface Revoked {
  jtis: ReadonlySet<string>;
  kids: ReadonlySet<string>;
  subjects: ReadonlySet<string>;
}

/** How tokens name themselves and what they revoke by: nothing that needs escaping anywhere. */
export const tokenId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/,
    'a jti is 1 to 128 letters, digits, ".", "_", ":" and "-", and begins with a letter or a digit',
  );
