import { z } from "zod";
import { callGate, type GateCall, type Patience, unusableAnswer } from "./call-gate.ts";

export interface BundlePush extends Omit<GateCall, "wording"> {
  /** Of the bundle that `body` holds: what the answer must be about. */
  digest: string;
  /** For messages: "evidence.json, the bundle of orders-primary". */
  name: string;
}

const answerSchema = z.looseObject({
  bundles: z.tuple([z.looseObject({ server: z.string(), digest: z.string(), trust: z.string() })]),
});

/** What the gate says that it has stored. */
export type StoredBundle = z.output<typeof answerSchema>["bundles"][0];

/** Sends one bundle until the gate has stored it. Throws GateError, CredentialsError. */
export async function pushBundle({ digest, name, ...call }: BundlePush, patience: Patience): Promise<StoredBundle> {
  const wording = { done: `stored ${name}`, answer: "a confirmation" };
  const { json } = await callGate({ ...call, wording }, [201], patience);
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) throw unusableAnswer("What answers at this URL is not a plangate gate.");
  const [stored] = parsed.data.bundles;
  if (stored.digest !== digest) throw unusableAnswer("The gate's answer is about another evidence bundle.");
  return stored;
}
