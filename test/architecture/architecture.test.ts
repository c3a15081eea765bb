import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { inspect, readSources } from "./source.ts";

/** Each layer may import itself and the layers before it. `output` and `simulation` do not know each other. */
const allowed = new Map([
  ["core", ["core"]],
  ["simulation", ["core", "simulation"]],
  ["output", ["core", "output"]],
  ["app", ["core", "simulation", "output", "app"]],
  ["adapters", ["core", "simulation", "output", "app", "adapters"]],
  ["entry", ["core", "simulation", "output", "app", "adapters", "entry"]],
]);

const layerOf = (file: string) => file.split("/")[1] ?? "";
const sources = readSources("src");

test("every file belongs to a layer", () => {
  expect(sources.length).toBeGreaterThan(50);
  expect(sources.map(({ file }) => file).filter((file) => !allowed.has(layerOf(file)))).toEqual([]);
});

test("imports go one way: core <- simulation, output <- app <- adapters <- entry", () => {
  const wrong = sources.flatMap(({ file, imports }) =>
    imports
      .filter((target) => target.startsWith("src/") && !allowed.get(layerOf(file))?.includes(layerOf(target)))
      .map((target) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

const packageOf = (specifier: string) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;

test("the core reads no clock, file, network, environment or process", () => {
  const packages = new Set(
    "canonicalize date-fns date-fns-tz ical.js libpg-query yaml zod node:crypto @pgsql/types".split(" "),
  );
  const wrong = sources
    .filter(({ file }) => layerOf(file) === "core")
    .flatMap(({ file, imports, impure }) =>
      [...imports.filter((target) => !target.startsWith("src/") && !packages.has(packageOf(target))), ...impure].map(
        (use) => `${file}: ${use}`,
      ),
    );
  expect(wrong).toEqual([]);
});

test("the check sees what it looks for", () => {
  const use = inspect(
    "src/core/a/b.ts",
    `import type { A } from "../../app/x.ts";
     export { b } from "./c.ts";
     const later = () => import("node:fs");
     const times = [Date.now(), new Date(), new Date(0), Date(), Math.random()];
     const harmless = { process: 1 }.process;
     process.exit(1);`,
  );
  expect(use.imports).toEqual(["src/app/x.ts", "src/core/a/c.ts", "node:fs"]);
  expect(use.impure).toEqual(["Date.now", "new Date()", "Date()", "Math.random", "process"]);
});

test("generated files are up to date", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(__dirname, "../../scripts/generate.mjs"), "--check"], {
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
});
