import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { PlangateError } from "../../src/core/errors.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { readJson } from "../support/decide.ts";
import { expectGolden } from "../support/golden.ts";
import { type Answered, type Asked, ask, type PassWish, signedPass } from "./world.ts";

const folder = join(__dirname, "reviews");

/** What every admission check has got wrong at some time. Beside these: certificates, the database, all pods, uninstalling (other tests). */
const checklist = [
  "wrong uid or version",
  "DELETE",
  "dryRun leaves no rows",
  "scale",
  "ephemeralcontainers",
  "bare Pod",
  "bare Job",
  "bare CronJob",
  "generateName",
  "old API version",
  "self-applied exemption label",
  "selector-lookup error denies",
  "a direct caller inside the cluster",
] as const;

/** What stands in case.yaml; absent means as usual (world.ts). */
const caseSchema = z.strictObject({
  what: z.string(),
  /** Beside answer.json, so that nobody writes a wrong verdict into it by the way. */
  expected: z.enum(["allowed", "denied", "error"]),
  /** The case whose review.json it is. */
  review: z.string().optional(),
  checklist: z.array(z.enum(checklist)).optional(),
  environment: z.string().optional(),
  at: z.iso.datetime().optional(),
  policies: z.string().optional(),
  unmatched: z.enum(["reject", "approve"]).optional(),
  brokenSince: z.iso.datetime().optional(),
  admittedBefore: z.boolean().optional(),
  spool: z.enum(["ok", "full", "broken"]).optional(),
  admission: z.record(z.string(), z.unknown()).optional(),
  /** The pass that takes the place of {{pass}} in the review. */
  pass: z.record(z.string(), z.unknown()).optional(),
  /** Bytes by which the objects are made larger. */
  padding: z.int().optional(),
});

beforeAll(() => loadGrammar());

const cases = readdirSync(folder)
  .sort()
  .map((name) => ({ name, ...caseSchema.parse(parse(readFileSync(join(folder, name, "case.yaml"), "utf8"))) }));

test.each(checklist)("there is a case for: %s", (item) => {
  expect(cases.filter((one) => one.checklist?.includes(item)).length).toBeGreaterThan(0);
});

test.each(cases)(
  "$name: $what",
  async ({ name, what: _, expected, review, checklist: __, pass, padding, ...asked }) => {
    const own = join(folder, name, "review.json");
    expect(existsSync(own)).toBe(review === undefined);
    const file = review === undefined ? own : join(folder, review, "review.json");
    const answer = await answerOf({ ...asked, review: padded(withPass(readJson(file), pass), padding ?? 0) });
    if ("error" in answer) expect(expected).toBe("error");
    else expect(answer.response.allowed ? "allowed" : "denied").toBe(expected);
    expectGolden(join(folder, name, "answer.json"), answer);
  },
);

async function answerOf(asked: Asked) {
  try {
    return toGolden(await ask(asked));
  } catch (error) {
    if (!(error instanceof PlangateError)) throw error;
    return { error: error.code, message: error.message };
  }
}

/** Without what differs from run to run, and digests, which nobody can check by eye. */
function toGolden({ answer, outcome, recorded }: Answered) {
  const { apiVersion, kind, response } = answer;
  expect({ apiVersion, kind }).toEqual({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" });
  const record = recorded.map(({ id, policyDigest, templateDigest, ...rest }) => {
    expect(id).toMatch(/^adm_[0-9a-f]{32}$/);
    expect(policyDigest).toMatch(/^sha256:/);
    expect(templateDigest).toEqual(rest.basis === "unreadable" ? null : expect.stringMatching(/^sha256:[0-9a-f]{64}$/));
    return rest;
  });
  expect(record.length).toBeLessThanOrEqual(1);
  return { outcome, response, recorded: record[0] ?? null };
}

function withPass(review: unknown, pass: PassWish | undefined): unknown {
  const text = JSON.stringify(review);
  return JSON.parse(
    text.replaceAll("{{pass}}", pass === undefined ? "no pass is given in case.yaml" : signedPass(pass)),
  );
}

/** As an object becomes large in practice: in its environment variables. */
function padded(review: unknown, bytes: number): unknown {
  if (bytes === 0) return review;
  const padding = { name: "PADDING", value: "x".repeat(bytes) };
  return JSON.parse(JSON.stringify(review), (key, value) =>
    key === "env" && Array.isArray(value) ? [...value, padding] : value,
  );
}
