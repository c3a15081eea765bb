import type { PassIssuer, PassVerifier } from "../../app/ports.ts";
import type { GateKey, PublicGateKey } from "../gate-keys.ts";
import { parseToken } from "../tokens/parse-token.ts";
import { signToken } from "../tokens/sign-token.ts";
import { signatureHolds } from "../tokens/signature.ts";
import { timeProblem } from "../tokens/token-times.ts";
import { passForm } from "./pass-form.ts";

/** `gate`: its name, what the passes' `iss` says. */
export function passIssuer(gate: string, key: GateKey): PassIssuer {
  return { issuer: gate, issue: (claims) => signToken(passForm, claims, key) };
}

/** Takes passes by any of the keys: one that no longer signs counts until it is taken out. */
export function passVerifier(gate: string, keys: readonly PublicGateKey[]): PassVerifier {
  const byKid = new Map(keys.map((key) => [key.kid, key]));
  return {
    verify(token, at) {
      const refused = (problem: string) => ({ claims: null, problem });
      const parsed = parseToken(token, passForm);
      if (typeof parsed === "string") return refused(parsed);
      const { header, claims } = parsed;
      const key = byKid.get(header.kid);
      if (key === undefined) return refused(`its key ${header.kid} is not among the keys of this gate`);
      if (header.alg !== key.algorithm) {
        return refused(`it is signed with ${header.alg}, and the key ${key.kid} is for ${key.algorithm}`);
      }
      if (!signatureHolds(token, key.publicKey, key.algorithm)) {
        return refused(`its signature is not that of the key ${key.kid}`);
      }
      if (claims.iss !== gate) return refused(`it is by another gate ("iss"); this one is ${gate}`);
      const problem = timeProblem(claims, at);
      return problem === null ? { claims, problem } : refused(problem);
    },
  };
}
