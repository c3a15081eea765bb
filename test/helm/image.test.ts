/** The Dockerfile, as far as it can be tried without Docker: its files are there, and its steps make a gate that runs. */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { linkTree } from "../support/postgres-binaries.ts";
import { ofKind, only, parseObjects, podTemplates, templateText, valueSets } from "./chart.ts";
import { installGate } from "./install.ts";

const root = join(__dirname, "../..");
const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8").replaceAll("\\\n", " ");
const instructions = dockerfile.split("\n").flatMap((line) => {
  const [, instruction = "", rest = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
  return instruction === "" ? [] : [{ instruction, rest }];
});
const last = (name: string) => instructions.findLast(({ instruction }) => instruction === name)?.rest ?? "";

/** What is copied from the repository, as [source, target]. */
const copied = instructions.flatMap(({ instruction, rest }) => {
  const words = rest.split(" ");
  if (instruction !== "COPY" || rest.startsWith("--from")) return [];
  const target = words.pop() ?? "";
  return words.map((source): [string, string] => [
    source,
    target.endsWith("/") ? join(target, source.split("/").at(-1) ?? "") : target,
  ]);
});

test("what the Dockerfile copies is there, and .dockerignore lets through that alone", () => {
  const sources = [...new Set(copied.map(([source]) => source))].sort();
  expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([]);
  const rules = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
  const [everything, ...exceptions] = rules.filter((line) => line !== "" && !line.startsWith("#"));
  expect(everything).toBe("*");
  expect(exceptions.sort()).toEqual(sources.map((source) => `!${source}`).sort());
});

test("the image is what the chart expects", async () => {
  const set = only(valueSets.filter(({ name }) => name === "defaults"));
  const pod = only(podTemplates(ofKind(parseObjects(await templateText(set)), "Deployment")));
  const [container] = pod.spec.containers;
  const { runAsUser, runAsGroup } = pod.spec.securityContext ?? {};
  expect(last("USER")).toBe(`${runAsUser}:${runAsGroup}`);
  expect(JSON.parse(last("CMD"))).toEqual(container?.args);
  expect(last("EXPOSE").split(" ").map(Number)).toEqual(container?.ports?.map(({ containerPort }) => containerPort));
  const [node, ...entry] = JSON.parse(last("ENTRYPOINT"));
  expect([node, entry.at(-1)]).toEqual(["/nodejs/bin/node", "/app/dist/plangate.js"]);
  // Pods run `node` too.
  expect(last("ENV")).toContain("PATH=/nodejs/bin:");
});

test("its steps make a gate that needs no development dependency", async () => {
  const temporary = mkdtempSync(join(tmpdir(), "plangate-image-"));
  try {
    const build = join(temporary, "build");
    const image = join(temporary, "image");
    for (const [source, target] of copied) copy(join(root, source), join(build, target === "./" ? source : target));
    linkPackages(productionPackages(), build);
    linkPackages(["esbuild", `@esbuild/${process.platform}-${process.arch}`], build);
    await run(["scripts/build.mjs"], build);

    linkPackages(productionPackages(), image);
    copy(join(build, "dist"), join(image, "dist"));
    copy(join(root, "package.json"), join(image, "package.json"));
    const gate = join(image, "dist/plangate.js");
    expect((await run([gate, "--version"], temporary)).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);

    const set = only(valueSets.filter(({ name }) => name === "embedded"));
    const installed = installGate(parseObjects(await templateText(set)));
    const { stdout } = await run(
      [gate, "serve", "--config", installed.file, "--check-config"],
      temporary,
      installed.env,
    );
    installed.cleanup();
    expect(stdout).toMatch(/^The configuration is valid\. Policies: deploy-hours, schema-changes, year-end-freeze\./);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
});

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true });
}

/** What `npm install --omit=dev` installs, by package-lock.json. */
function productionPackages(): string[] {
  const { packages }: { packages: Record<string, { dev?: true; optional?: true; devOptional?: true; peer?: true }> } =
    JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return Object.entries(packages).flatMap(([path, { dev, optional, devOptional, peer }]) => {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    const isOther = dev === true || optional === true || devOptional === true || peer === true;
    return name === undefined || isOther ? [] : [name];
  });
}

function linkPackages(names: readonly string[], folder: string): void {
  for (const name of names) linkTree(join(root, "node_modules", name), join(folder, "node_modules", name));
}

function run(args: string[], cwd: string, env: Record<string, string> = {}) {
  return promisify(execFile)(process.execPath, args, { cwd, env: { NODE_ENV: "production", ...env } });
}
