import type { EvidenceTrust, SignatureVerdict } from "../../app/ports.ts";
import type { EvidenceBundle } from "../../core/evidence/bundle.ts";
import { globMatches } from "../../core/policy/match.ts";
import { parseDetachedJws, verifiesBundle } from "./detached-jws.ts";
import type { EvidenceKey, EvidenceKeys } from "./keys.ts";

export function evidenceTrust(keys: EvidenceKeys): EvidenceTrust {
  const byFingerprint = new Map([...keys.values()].map((key) => [key.fingerprint, key]));
  return {
    judge: (raw, bundle, at) => trustOf(raw, bundle, keys, at),
    stillTrusted(fingerprint, server, at) {
      const key = byFingerprint.get(fingerprint);
      return key !== undefined && keyProblem(key, server, at) === null;
    },
  };
}

/**
 * What the signature of a bundle proves. Without one: asserted. One that a configured key has made: signed. Every other one is a
 * `problem`, never just the lower trust: whoever changes a signed bundle must not get away with it.
 */
export function trustOf(raw: unknown, bundle: EvidenceBundle, keys: EvidenceKeys, at: Date): SignatureVerdict {
  const { signature, server } = bundle;
  if (signature == null) return { trust: "asserted", signer: null, problem: null };
  const jws = parseDetachedJws(signature);
  if (typeof jws === "string") return refused(`its signature ${jws}`);
  const { kid, alg } = jws.header;
  const key = keys.get(kid);
  if (key === undefined)
    return refused(`it is signed with the key ${kid}, which is not among the configured evidence.keys`);
  if (alg !== key.algorithm) return refused(`its signature says ${alg}, and the key ${kid} is for ${key.algorithm}`);
  const problem = keyProblem(key, server.name, at);
  if (problem !== null) return refused(problem);
  if (!verifiesBundle(raw, jws, key)) return refused(`its content is not what the key ${kid} has signed`);
  return { trust: "signed", signer: { kid, fingerprint: key.fingerprint }, problem: null };
}

function refused(problem: string): SignatureVerdict {
  return { trust: "asserted", signer: null, problem };
}

/** By the gate's clock: who has stolen a key can write any capture time. */
function keyProblem({ kid, servers, notAfter }: EvidenceKey, server: string, at: Date): string | null {
  if (notAfter !== null && at >= notAfter) return `the key ${kid} counts only until ${notAfter.toISOString()}`;
  if (servers !== null && !servers.some((glob) => globMatches(glob, server))) {
    return `the key ${kid} may not sign for the server ${server}, only for ${servers.join(", ")}`;
  }
  return null;
}
