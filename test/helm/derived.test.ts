import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import packageFile from "../../package.json";
import { expectGolden } from "../support/golden.ts";
import { shippedPolicies, valuesSchema } from "./derived-values.ts";

const chart = join(__dirname, "../../helm");

test("the policies of the chart are those that ship", () => {
  const shipped = shippedPolicies();
  for (const [name, text] of shipped) expectGolden(join(chart, "files/policies", name), text);
  expect(readdirSync(join(chart, "files/policies")).sort()).toEqual([...shipped.keys()].sort());
});

test("the schema of `config` and `callers` is that of plangate.yaml", () => {
  const file = join(chart, "values.schema.json");
  expectGolden(file, valuesSchema(JSON.parse(readFileSync(file, "utf8"))));
});

test("the chart's version is the gate's", () => {
  const { version, appVersion } = parse(readFileSync(join(chart, "Chart.yaml"), "utf8"));
  expect([version, appVersion]).toEqual([packageFile.version, packageFile.version]);
});
