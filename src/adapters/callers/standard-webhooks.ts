import { createHmac, timingSafeEqual } from "node:crypto";
import { AuthenticationError } from "./authentication-error.ts";

/** Seconds that a message's clock may differ from the gate's. */
const toleranceSeconds = 300;
const mostSignatures = 20;
const digestBytes = 32;

/** The headers of a signed message, of the right form and time; who signed is not known yet. */
export interface SignedHeaders {
  id: string;
  timestamp: string;
  /** The `v1` signatures. */
  signatures: readonly Buffer[];
}

/** `webhook-signature` of a message: HMAC-SHA256 over "id.timestamp.body" (standardwebhooks.com, "Signature scheme"). */
export function signMessage(key: Buffer, id: string, at: Date, body: Uint8Array) {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${digestOf(key, id, timestamp, body).toString("base64")}`,
  };
}

/** Throws AuthenticationError. */
export function readSignedHeaders(header: (name: string) => string | null, at: Date): SignedHeaders {
  const [id, timestamp, signature] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => {
    const value = header(name);
    if (value === null || value === "") throw new AuthenticationError(`The header ${name} is missing.`);
    return value;
  });
  if (id === undefined || timestamp === undefined || signature === undefined) throw new TypeError("three headers");
  if (!/^[\x21-\x7e]{1,255}$/.test(id) || id.includes(".")) {
    throw new AuthenticationError('webhook-id must be 1 to 255 printable ASCII characters without ".".');
  }
  if (!/^(0|[1-9][0-9]{0,11})$/.test(timestamp)) {
    throw new AuthenticationError("webhook-timestamp must be whole seconds since 1970, in decimal digits.");
  }
  const drift = Number(timestamp) - at.getTime() / 1000;
  if (Math.abs(drift) > toleranceSeconds) {
    const direction = drift < 0 ? "before" : "after";
    throw new AuthenticationError(
      `webhook-timestamp is ${Math.round(Math.abs(drift))} s ${direction} the gate's clock; ${toleranceSeconds} s are allowed. Check the clocks, and sign each attempt anew.`,
    );
  }
  const signatures = readSignatures(signature);
  if (signatures.length === 0) {
    throw new AuthenticationError('webhook-signature has no signature of the form "v1,<base64 of 32 bytes>".');
  }
  return { id, timestamp, signatures };
}

/** Does one of the signatures come from this key? Takes the same time for every wrong one. */
export function isSignedWith(key: Buffer, { id, timestamp, signatures }: SignedHeaders, body: Uint8Array): boolean {
  const expected = digestOf(key, id, timestamp, body);
  return signatures.reduce((found, signature) => timingSafeEqual(signature, expected) || found, false);
}

/** Other versions and forms are left out, as the specification demands: senders may offer several. */
function readSignatures(header: string): Buffer[] {
  const parts = header.split(" ");
  if (parts.length > mostSignatures) {
    throw new AuthenticationError(`webhook-signature has more than ${mostSignatures} signatures.`);
  }
  return parts.flatMap((part) => {
    if (!part.startsWith("v1,")) return [];
    const encoded = part.slice("v1,".length);
    const bytes = Buffer.from(encoded, "base64");
    return bytes.length === digestBytes && bytes.toString("base64") === encoded ? [bytes] : [];
  });
}

function digestOf(key: Buffer, id: string, timestamp: string, body: Uint8Array): Buffer {
  return createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
}
