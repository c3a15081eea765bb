import { z } from "zod";
import { PlangateError } from "../../core/errors.ts";
import { parseSecret } from "../callers/secret.ts";
import { signMessage } from "../callers/standard-webhooks.ts";
import { fetchJson } from "../outgoing/fetch-json.ts";

/** How a pipeline proves to the gate who it is. Holds secrets: never print it. */
export type Credentials =
  | { kind: "none" }
  | { kind: "secret"; key: Buffer }
  | { kind: "token"; token: string }
  | { kind: "github-actions"; url: string; token: string; audience: string };

/** `bad-credentials`: what is wrong with the environment, without a word of what it holds. */
export class CredentialsError extends PlangateError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("bad-credentials", message, options);
  }
}

/**
 * PLANGATE_SECRET, or PLANGATE_TOKEN, or what GitHub Actions gives jobs with `id-token: write`. A variable that is set but empty is an
 * error: a secret that a pipeline may not see arrives so.
 */
export function credentialsFrom(env: NodeJS.ProcessEnv, audience: string): Credentials {
  const { PLANGATE_SECRET: secret, PLANGATE_TOKEN: token } = env;
  if (secret !== undefined && token !== undefined) {
    throw new CredentialsError("Both PLANGATE_SECRET and PLANGATE_TOKEN are set. Set one of them.");
  }
  if (secret !== undefined) {
    const key = parseSecret(secret);
    if (typeof key === "string") throw new CredentialsError(`PLANGATE_SECRET ${key}.`);
    return { kind: "secret", key };
  }
  if (token !== undefined) return { kind: "token", token: checkedToken(token, "PLANGATE_TOKEN") };
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url = "", ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken = "" } = env;
  if (url === "" || requestToken === "") return { kind: "none" };
  return { kind: "github-actions", url, token: requestToken, audience };
}

/** Headers of one attempt: signatures are made anew each time, since their time counts. Throws CredentialsError. */
export async function authenticationHeaders(
  credentials: Credentials,
  message: { id: string; at: Date; body: Uint8Array },
): Promise<Record<string, string>> {
  if (credentials.kind === "secret") return signMessage(credentials.key, message.id, message.at, message.body);
  const key = { "idempotency-key": message.id };
  if (credentials.kind === "none") return key;
  const token = credentials.kind === "token" ? credentials.token : await githubToken(credentials);
  return { ...key, authorization: `Bearer ${token}` };
}

const answerSchema = z.object({ value: z.string() });

/** GitHub's documentation, "OpenID Connect reference", "Methods for requesting the OIDC token". */
async function githubToken({
  url,
  token,
  audience,
}: {
  url: string;
  token: string;
  audience: string;
}): Promise<string> {
  try {
    const asked = new URL(url);
    asked.searchParams.set("audience", audience);
    const { value } = answerSchema.parse(await fetchJson(asked.href, { authorization: `Bearer ${token}` }));
    return checkedToken(value, "GitHub's ID token");
  } catch (cause) {
    if (cause instanceof CredentialsError) throw cause;
    throw new CredentialsError("GitHub Actions gave no ID token for this job.", { cause });
  }
}

function checkedToken(token: string, name: string): string {
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return token;
  throw new CredentialsError(`${name} is ${token === "" ? "empty" : "not a signed JWT"}.`);
}
