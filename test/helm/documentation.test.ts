import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { helm } from "../support/kubernetes-tools.ts";
import { chartFolder } from "./chart.ts";

const read = (file: string) => readFileSync(join(__dirname, "../..", file), "utf8");
const template = (more: string[], input = "") =>
  helm(["template", "plangate", chartFolder, "--namespace", "plangate-system", ...more], { input });

test("the values of docs/kubernetes.md are accepted", async () => {
  const blocks = [...read("docs/kubernetes.md").matchAll(/```yaml\n# plangate-values\.yaml\n(.*?)```/gs)];
  expect(blocks.length).toBeGreaterThan(0);
  for (const [, yaml] of blocks) {
    expect(await template(["--values", "-"], yaml)).toMatchObject({ status: 0, stderr: "" });
  }
});

test("what the chart's README sets exists", async () => {
  const readme = read("helm/README.md");
  const settings = [...readme.matchAll(/--set (\S+=[^\s`]+)/g)].flatMap(([, setting = ""]) => ["--set", setting]);
  expect(settings.length).toBeGreaterThanOrEqual(6);
  for (const setting of settings.filter((word) => word !== "--set")) {
    expect(await template(["--set", setting])).toMatchObject({ status: 0, stderr: "" });
  }
});

test("values that the chart's README names are values", () => {
  const values: unknown = parse(read("helm/values.yaml"));
  const top = Object.keys(values as object);
  // The table is generated from the values.
  const [text = ""] = read("helm/README.md").split("## Values");
  const named = [...text.matchAll(/`([a-z][A-Za-z]+(?:\.[A-Za-z]+)+)`/g)].map(([, path = ""]) => path);
  const missing = named.filter((path) => {
    const [first = ""] = path.split(".");
    return first !== "config" && top.includes(first) && !exists(values, path.split("."));
  });
  expect(missing).toEqual([]);
});

function exists(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return false;
  return exists((value as Record<string, unknown>)[key], rest);
}
