import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import packageFile from "../../package.json";
import { chartFolder } from "./chart.ts";

const root = join(__dirname, "../..");

// scripts/generate.mjs writes them, and test/architecture looks whether it has.
test("the policies of the chart are those that ship, without their tests", () => {
  const shipped = readdirSync(join(root, "policies")).filter(
    (name) => /\.(yaml|ics)$/.test(name) && !name.endsWith(".test.yaml"),
  );
  const inChart = readdirSync(join(chartFolder, "files/policies"));
  expect(inChart.sort()).toEqual(shipped.sort());
  const text = (folder: string) => inChart.map((name) => readFileSync(join(folder, name), "utf8"));
  expect(text(join(chartFolder, "files/policies"))).toEqual(text(join(root, "policies")));
});

test("the chart's version is the gate's", () => {
  const { version, appVersion } = parse(readFileSync(join(chartFolder, "Chart.yaml"), "utf8"));
  expect([version, appVersion]).toEqual([packageFile.version, packageFile.version]);
});
