import type { Permission } from "../../app/caller.ts";

/** Which requests per time a caller may send. */
export interface RateLimit {
  count: number;
  perMs: number;
}

/** Request fields that claims bind, and the claim that says who asks. */
export const bindableFields = ["service", "environment", "commit", "database", "requestedBy"] as const;
export type BindableField = (typeof bindableFields)[number];

export interface OidcConfig {
  issuer: string;
  /** null: by discovery. */
  jwksUrl: string | null;
  audience: string;
  /** Each must have one of these values. Never empty: anyone can get a token of a public issuer. */
  claims: ReadonlyMap<string, readonly string[]>;
  /** The claim that a field of the request must equal; false: the field is not bound. */
  body: ReadonlyMap<BindableField, string | false>;
}

/** One entry of `callers` in plangate.yaml, checked. */
export interface CallerConfig {
  name: string;
  may: ReadonlySet<Permission>;
  /** Globs. */
  services: readonly string[];
  environments: readonly string[];
  databases: readonly string[];
  rateLimit: RateLimit | null;
  /** Keys of signatures: never print them. */
  proof: { kind: "secrets"; keys: readonly Buffer[] } | { kind: "oidc"; oidc: OidcConfig };
}
