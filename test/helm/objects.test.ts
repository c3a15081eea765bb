import { join } from "node:path";
import { expectGolden } from "../support/golden.ts";
import { helm } from "../support/kubernetes-tools.ts";
import { chartFolder, parseObjects, templateText, valueSets, valuesArguments } from "./chart.ts";
import { problemsOf } from "./strict-object.ts";

describe.each(valueSets)("$name", (set) => {
  test("helm lint --strict", async () => {
    const { status, stdout, stderr } = await helm([
      "lint",
      "--strict",
      chartFolder,
      "--namespace",
      set.namespace,
      ...valuesArguments(set),
    ]);
    expect({ status, warnings: `${stdout}${stderr}`.split("\n").filter((line) => /WARN|ERROR/.test(line)) }).toEqual({
      status: 0,
      warnings: [],
    });
  });

  test("every object is one that Kubernetes knows", async () => {
    const objects = parseObjects(await templateText(set));
    expect(objects.length).toBeGreaterThan(5);
    const wrong = objects.flatMap((object) =>
      problemsOf(object).map((problem) => `${object.kind} ${object.metadata.name}: ${problem}`),
    );
    expect(wrong).toEqual([]);
  });
});

/** What is made anew with each run is replaced, and so are the policies, which are files of the chart. */
function withoutRandom(text: string): string {
  return text
    .split(/^(?=---$)/m)
    .map((document) => (document.includes("templates/policies.yaml") ? policiesWithoutText(document) : document))
    .join("")
    .replaceAll(/: "?LS0tLS1CRUdJTi[A-Za-z0-9+/=]+"?$/gm, ": <PEM>")
    .replaceAll(/: "?d2hzZWNf[A-Za-z0-9+/=]+"?$/gm, ": <whsec_…>")
    .replaceAll(/(plangate.dev\/expires: )"[0-9]{10}"$/gm, "$1<seconds since 1970>");
}

function policiesWithoutText(document: string): string {
  const [head = "", data = ""] = document.split("\ndata:\n");
  const names = [...data.matchAll(/^ {2}([a-z0-9.-]+): /gm)].map(([, name]) => name);
  return `${head}\ndata:\n${names.map((name) => `  ${name}: <files/policies/${name}>\n`).join("")}`;
}

test("the defaults", async () => {
  const [defaults] = valueSets;
  if (defaults?.name !== "defaults") throw new Error("The first set is that of the defaults");
  expectGolden(join(__dirname, "golden/defaults.txt"), withoutRandom(await templateText(defaults)));
});
