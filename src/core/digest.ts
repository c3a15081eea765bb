import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

/** Lower-case hex SHA-256 of the text's UTF-8 bytes. */
export function sha256Hex(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** RFC 8785. */
export function canonicalJson(value: unknown): string {
  const canonical = canonicalize(value);
  if (canonical === undefined) throw new TypeError("the value has no JSON form");
  return canonical;
}

/** `sha256:` + SHA-256 of the RFC 8785 canonical JSON of a JSON value. */
export function digestOf(value: unknown): string {
  return `sha256:${sha256Hex(canonicalJson(value))}`;
}
