import type { Clock } from "../../app/ports.ts";
import { fingerprintOf } from "../evidence-signature/keys.ts";
import { type KeySource, KeysUnavailable, openKeySource } from "../key-sets/key-source.ts";
import { fetchJson } from "../outgoing/fetch-json.ts";
import type { Approver, ApproverKey, Approvers } from "./approvers.ts";
import { tokenForms } from "./claims.ts";
import { parseToken } from "./parse-token.ts";

/** The key of an approver; a string: why there is none, as a clause. */
export type KeyOf = (approver: Approver) => ApproverKey | string;

/** Without a network: keys by URL are not asked for. */
export const fixedKeys: KeyOf = ({ key, kid }) =>
  key.kind === "fixed" ? key : `its key ${kid} is at a URL (jwksUrl), which the gate alone asks`;

export interface ApproverKeys {
  /**
   * The keys of those who have signed these tokens. Only tokens of the documented form by a configured approver make the gate ask a URL,
   * each at most every few seconds. Never rejects.
   */
  gather(tokens: readonly string[]): Promise<KeyOf>;
}

/** `onUnavailable`: the keys of this approver cannot be read. */
export function openApproverKeys(
  approvers: Approvers,
  clock: Clock,
  onUnavailable: (approver: Approver, error: unknown) => void,
): ApproverKeys {
  const everyone = [...approvers.byKid.values()];
  const sources = new Map<string, KeySource>();
  for (const { key } of everyone) {
    if (key.kind === "url" && !sources.has(key.jwksUrl)) {
      sources.set(
        key.jwksUrl,
        openKeySource(() => fetchJson(key.jwksUrl), clock),
      );
    }
  }
  const fetched = async (approver: Approver, jwksUrl: string): Promise<ApproverKey | string> => {
    const { kid, algorithm } = approver;
    try {
      const published = (await sources.get(jwksUrl)?.keyOf(kid)) ?? null;
      if (published === null) return `its key ${kid} is not among the keys at its URL`;
      if (!published.algorithms.includes(algorithm)) {
        return `its key ${kid} is for ${published.algorithms.join(" or ")}, and the configuration says ${algorithm}`;
      }
      return { publicKey: published.key, fingerprint: fingerprintOf(published.key) };
    } catch (error) {
      if (!(error instanceof KeysUnavailable)) throw error;
      onUnavailable(approver, error);
      return `its key ${kid} cannot be fetched now, so nobody can say whether the signature holds`;
    }
  };

  return {
    async gather(tokens) {
      const signers = tokens.flatMap((token) => signerOf(token, approvers) ?? []);
      const urls = new Set(signers.map(({ key }) => (key.kind === "url" ? key.jwksUrl : null)));
      const keys = new Map<string, ApproverKey | string>();
      await Promise.all(
        everyone.map(async (approver) => {
          const { kid, key } = approver;
          if (key.kind === "fixed") keys.set(kid, key);
          else if (urls.has(key.jwksUrl)) keys.set(kid, await fetched(approver, key.jwksUrl));
        }),
      );
      return (approver) => unshared(approver, everyone, keys);
    },
  };
}

/** Quorum and self-approval go by the human: one key must not be two. */
function unshared(
  approver: Approver,
  everyone: readonly Approver[],
  keys: ReadonlyMap<string, ApproverKey | string>,
): ApproverKey | string {
  const own = keys.get(approver.kid) ?? fixedKeys(approver);
  if (typeof own === "string") return own;
  const twin = everyone.find(({ kid, subject }) => {
    const other = keys.get(kid);
    return subject !== approver.subject && typeof other === "object" && other.fingerprint === own.fingerprint;
  });
  return twin === undefined ? own : `its key ${approver.kid} is also ${twin.subject}'s`;
}

/** The approver whom a token names, if it is such a token at all. */
function signerOf(token: string, { byKid }: Approvers): Approver | null {
  for (const parsed of [parseToken(token, tokenForms.override), parseToken(token, tokenForms.approval)]) {
    if (typeof parsed === "string") continue;
    const approver = byKid.get(parsed.header.kid);
    return approver?.algorithm === parsed.header.alg ? approver : null;
  }
  return null;
}

/** The texts among a request's approvals and overrides, whatever else it holds. */
export function tokensOf(request: unknown): string[] {
  if (typeof request !== "object" || request === null) return [];
  const given = new Map(Object.entries(request));
  return ["approvals", "overrides"].flatMap((field) => {
    const list: unknown = given.get(field);
    return Array.isArray(list) ? list.slice(0, mostTokens).filter((token) => typeof token === "string") : [];
  });
}

/** More than that many make the request invalid. */
const mostTokens = 100;
