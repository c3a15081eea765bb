import { z } from "zod";
import type { Judgement } from "./decide.ts";
import type { Finding } from "./decision.ts";
import { sha256Hex } from "./digest.ts";
import { changeKinds } from "./policy/policy.ts";
import type { DeployRequest } from "./request.ts";
import { numericDate } from "./values.ts";

/** Every pass is for the admission check, of whichever gate. */
export const passAudience = "plangate-admission";

const name = z.string().min(1).max(200);
const imageDigest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

/** What a pass says was approved. Nothing in it is secret: it stands in annotations. */
export const passClaimsSchema = z.strictObject({
  /** The gate's name. */
  iss: z.string().min(1).max(500),
  aud: z.literal(passAudience),
  /** The service. */
  sub: name,
  env: name,
  commit: name.nullable(),
  /** Digests of the request's images; those that were named without one are not in it. */
  images: z.array(imageDigest).max(200),
  /** SHA-256 (hex) of the migrations' SQL, in their order. */
  migrations: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(1000),
  /** The decision's id. */
  dec: z.string().min(1).max(200),
  iat: numericDate,
  nbf: numericDate,
  exp: numericDate,
  /** The kinds of change that policies judged. */
  changes: z.array(z.enum(changeKinds)).min(1),
  durationMs: z.number().int().nonnegative(),
  /** A rollback that windows and freezes do not hold up. */
  rollback: z.boolean(),
  /** Freezes that an override waived: they do not hold the workload up either. Others, declared later too, do. */
  waivedFreezes: z.array(z.strictObject({ policy: z.string(), start: z.iso.datetime(), end: z.iso.datetime() })),
});
export type PassClaims = z.output<typeof passClaimsSchema>;

/** The pass of an approval; null where there is none. `gate`: the gate's name. Times are rounded down to seconds. */
export function passClaimsOf(gate: string, request: DeployRequest, judgement: Judgement): PassClaims | null {
  const { decision, changes, durationMs, exemptRollback } = judgement;
  if (!decision.allowed || decision.notAfter === null) return null;
  const evaluatedAt = seconds(decision.evaluatedAt);
  return {
    iss: gate,
    aud: passAudience,
    sub: decision.service,
    env: decision.environment,
    commit: decision.commit,
    images: [...new Set((request.images ?? []).flatMap((image) => imageDigestOf(image) ?? []))],
    migrations: (request.migrations ?? []).map(({ sql }) => sha256Hex(sql)),
    dec: decision.id,
    iat: evaluatedAt,
    nbf: evaluatedAt,
    exp: seconds(decision.notAfter),
    changes: changeKinds.filter((kind) => changes.has(kind)),
    durationMs,
    rollback: exemptRollback,
    waivedFreezes: decision.findings.flatMap(waivedFreeze),
  };
}

/** "registry.example/orders@sha256:…" → "sha256:…"; null: it names no digest, or not one of SHA-256. */
export function imageDigestOf(image: string): string | null {
  const digest = image.slice(image.indexOf("@") + 1);
  return image.includes("@") && imageDigest.safeParse(digest).success ? digest : null;
}

/** What an approval with images tells its reader about those that the pass says nothing of. */
export function passWarnings({ images }: DeployRequest): string[] {
  const loose = (images ?? []).filter((image) => imageDigestOf(image) === null);
  if (loose.length === 0) return [];
  return [
    `The pass cannot vouch for ${listed(loose)}: a tag can be moved to another image. Name it by its digest (image@sha256:…).`,
  ];
}

function listed(images: readonly string[]): string {
  const shown = images.slice(0, 5).map((image) => JSON.stringify(image.slice(0, 200)));
  return images.length > shown.length
    ? `${shown.join(", ")} and ${images.length - shown.length} more`
    : shown.join(", ");
}

const freezeDetails = z.object({ start: z.string(), end: z.string() });

function waivedFreeze({ policy, ruleId, waivedBy, details }: Finding): PassClaims["waivedFreezes"] {
  if (ruleId !== "freeze" || waivedBy === null || policy === null) return [];
  const { start, end } = freezeDetails.parse(details);
  return [{ policy, start, end }];
}

function seconds(instant: string): number {
  return Math.floor(new Date(instant).getTime() / 1000);
}
