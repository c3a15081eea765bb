import { parseEvidence, type TrustedBundle, trustLevels } from "../core/evidence/bundle.ts";
import type { EvidenceTrust, ReceivedBundle } from "./ports.ts";

/** JSON value of an evidence file or body → bundles, asserted until they are judged. Throws InputError (`bad-evidence`). */
export function receiveEvidence(value: unknown, subject: string): ReceivedBundle[] {
  const raws: unknown[] = Array.isArray(value) ? value : [value];
  return parseEvidence(value, subject, "asserted").map((parsed, index) => ({ parsed, raw: raws[index] }));
}

export interface JudgedEvidence {
  /** With the trust that their signatures prove. */
  accepted: ReceivedBundle[];
  /** Bundles that must not count: where they stand among those received, and why. */
  refused: { position: number; message: string }[];
}

/** Checks the signatures of bundles from outside. */
export function judgeEvidence(received: readonly ReceivedBundle[], trust: EvidenceTrust, at: Date): JudgedEvidence {
  const judged: JudgedEvidence = { accepted: [], refused: [] };
  for (const [position, { raw, parsed }] of received.entries()) {
    const verdict = trust.judge(raw, parsed.bundle, at);
    if (verdict.problem !== null) {
      const message = `The evidence bundle of ${parsed.bundle.server.name} does not count: ${verdict.problem}.`;
      judged.refused.push({ position, message });
    } else if (verdict.signer === null) {
      judged.accepted.push({ raw, parsed: { ...parsed, trust: "asserted" } });
    } else {
      judged.accepted.push({ raw, parsed: { ...parsed, trust: "signed", signedBy: verdict.signer.fingerprint } });
    }
  }
  return judged;
}

/** Stored bundles whose keys still count. A key that was removed or has expired takes what it signed with it. */
export function stillTrusted(
  stored: readonly TrustedBundle[],
  trust: EvidenceTrust,
  at: Date,
): { bundles: TrustedBundle[]; warnings: string[] } {
  const bundles: TrustedBundle[] = [];
  const warnings: string[] = [];
  for (const bundle of stored) {
    const { name } = bundle.bundle.server;
    if (bundle.trust !== "signed" || trust.stillTrusted(bundle.signedBy ?? "", name, at)) bundles.push(bundle);
    else
      warnings.push(`A stored evidence bundle of ${name} does not count: the key that signed it is no longer trusted.`);
  }
  return { bundles, warnings: [...new Set(warnings)] };
}

/** A bundle that comes several times counts once, with the highest trust that it came with. */
export function withoutRepeats(bundles: readonly TrustedBundle[]): TrustedBundle[] {
  const byDigest = new Map<string, TrustedBundle>();
  for (const bundle of bundles) {
    const known = byDigest.get(bundle.digest);
    if (known === undefined || trustLevels.indexOf(bundle.trust) > trustLevels.indexOf(known.trust)) {
      byDigest.set(bundle.digest, bundle);
    }
  }
  return [...byDigest.values()];
}
