import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import request from "supertest";
import { parse } from "yaml";
import { loadConfig } from "../../src/adapters/config/config.ts";
import { cli } from "../cli/run.ts";
import { deploy, startTestGate, wednesdayNoon } from "../http/gate.ts";
import { caller, pipelineKey, releaseKey, rotatedKey, secrets, textOf } from "./world.ts";

const text = readFileSync(join(__dirname, "../../docs/pipelines.md"), "utf8");
const blocks = (language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, block = ""]) => block);

test("every plangate.yaml in docs/pipelines.md is valid", () => {
  const env = { ORDERS_SECRET: textOf(releaseKey), ORDERS_SECRET_OLD: textOf(rotatedKey) };
  const configurations = blocks("yaml").filter((block) => block.startsWith("# plangate.yaml"));
  expect(configurations.length).toBeGreaterThan(3);
  for (const block of configurations) expect(loadConfig(block, "/srv/plangate.yaml", env).callers).not.toBeNull();
});

test("every other YAML is YAML", () => {
  for (const block of blocks("yaml")) expect(parse(block)).not.toBeNull();
});

test("every option of plangate request is one", async () => {
  const { stdout } = await cli(["request", "--help"]);
  const commands = [...text.matchAll(/plangate request ([^`]*?)(?:\n\s*\n|\n```|'''|\n {4}- |`)/g)].map(
    ([, rest]) => rest,
  );
  const options = commands.flatMap((rest = "") => rest.match(/(?<=\s)--[a-z-]+/g) ?? []);
  expect(options.length).toBeGreaterThan(15);
  for (const option of options) expect(stdout).toContain(option);
});

test("the shell lines that sign are heard by a gate", async () => {
  const [script = ""] = blocks("sh");
  const gate = await startTestGate(() => ({ callers: [caller("pipeline", secrets(pipelineKey))] }));
  try {
    const timestamp = Date.parse(wednesdayNoon) / 1000;
    // Prints what curl would send, at the gate's time.
    const dry = script.replaceAll("$(date +%s)", String(timestamp)).replace("$(cat request.json)", "$BODY");
    const body = JSON.stringify({ ...deploy, description: "ümlaut" });
    const env = { ...process.env, PLANGATE_SECRET: textOf(pipelineKey), BODY: body, BUILD_NUMBER: "7" };
    const printed = spawnSync("bash", ["-c", `curl() { printf '%s\\0' "$@"; }\n${dry}`], { env, encoding: "utf8" });
    const args = printed.stdout.split("\0");
    const sent = request(gate.url).post("/v1/decisions");
    for (const [index, argument] of args.entries()) {
      const [name = "", value = ""] = (args[index + 1] ?? "").split(": ");
      if (argument === "-H") sent.set(name, value);
    }
    await sent.send(args[args.indexOf("--data-raw") + 1]).expect(200);
  } finally {
    await gate.cleanup();
  }
});
