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

/** What stands in case.yaml; absent means as usual (world.ts). */
const caseSchema = z.strictObject({
  what: z.string(),
  /** Beside answer.json, so that nobody writes a wrong verdict into it by the way. */
  expected: z.enum(["allowed", "denied", "error"]),
  /** The case whose review.json it is. */
  review: z.string().optional(),
  /** Items of the checklist that it stands for. */
  checklist: z.string().optional(),
  environment: z.string().optional(),
  at: z.iso.datetime().optional(),
  policies: z.string().optional(),
  unmatched: z.enum(["reject", "approve"]).optional(),
  brokenSince: z.iso.datetime().optional(),
  admittedBefore: z.boolean().optional(),
  spool: z.enum(["ok", "full"]).optional(),
  admission: z.record(z.string(), z.unknown()).optional(),
  /** The pass that takes the place of {{pass}} in the review. */
  pass: z.record(z.string(), z.unknown()).optional(),
  /** Bytes by which the objects are made larger. */
  padding: z.int().optional(),
});

beforeAll(() => loadGrammar());

describe.each(readdirSync(folder).sort())("%s", (name) => {
  const directory = join(folder, name);
  const { what, expected, review, pass, padding, ...asked } = caseSchema.parse(
    parse(readFileSync(join(directory, "case.yaml"), "utf8")),
  );

  test(what, async () => {
    const file = join(folder, review ?? name, "review.json");
    expect(review === undefined || !existsSync(join(directory, "review.json"))).toBe(true);
    const sent = padded(withPass(readJson(file), pass), padding ?? 0);
    const answer = await answerOf({ ...asked, review: sent });
    if ("error" in answer) expect(expected).toBe("error");
    else expect(answer.response.allowed ? "allowed" : "denied").toBe(expected);
    expectGolden(join(directory, "answer.json"), answer);
  });
});

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
