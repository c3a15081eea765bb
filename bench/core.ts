import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadPolicyDirectory } from "../src/adapters/policies/read-directory.ts";
import { decide } from "../src/core/decide.ts";
import { parseDeployRequest } from "../src/core/request.ts";
import { loadGrammar, parseSql } from "../src/core/sql/grammar.ts";
import { compare } from "./timing.ts";

/** One decision on the incident, from parsed request to findings, against one parse of the same SQL by the grammar. */
export async function benchCore(root: string) {
  await loadGrammar();
  const policySet = await loadPolicyDirectory(join(root, "policies"));
  const raw: unknown = JSON.parse(readFileSync(join(root, "examples/incident/request.json"), "utf8"));
  const { request, bundles } = parseDeployRequest(raw);
  const input = {
    id: "dec_bench",
    policySet,
    request,
    bundles,
    approvals: [],
    rollbackToApproved: false,
    unmatched: "reject",
    leaseMs: 3_600_000,
    timeZoneDatabase: process.versions.tz ?? "",
    warnings: [],
    at: new Date("2026-03-13T20:47:00Z"),
  } as const;
  const sql = request.migrations?.[0]?.sql ?? "";
  return compare(
    200,
    () => void decide(input),
    () => void parseSql(sql),
  );
}
