import { z } from "zod";
import { keyId, signatureAlgorithms } from "../evidence-signature/keys.ts";

/** Strict: no `crit`, and no key that the token brings along or points to (`jwk`, `jku`, `x5c`, `x5u`). */
export const headerSchema = (typ: string) =>
  z.strictObject({ alg: z.enum(signatureAlgorithms), kid: keyId, typ: z.literal(typ) });

export type TokenHeader = z.output<ReturnType<typeof headerSchema>>;

/** What tokens of one kind look like. */
export interface TokenForm<Claims> {
  typ: string;
  header: z.ZodType<TokenHeader>;
  claims: z.ZodType<Claims>;
  /** In characters. */
  longest: number;
  /** What a claim must be, for messages: "must be …". */
  wording: ReadonlyMap<string, string>;
}

/** Ten times the longest that people sign. */
const longestByPeople = 16_384;

export function tokenForm<Claims>(
  typ: string,
  claims: z.ZodType<Claims>,
  { longest = longestByPeople, wording = [] }: { longest?: number; wording?: Iterable<[string, string]> } = {},
): TokenForm<Claims> {
  const date = "must be a number of seconds since 1970";
  const dates = ["iat", "nbf", "exp"].map((name): [string, string] => [name, date]);
  return { typ, header: headerSchema(typ), claims, longest, wording: new Map([...dates, ...wording]) };
}
