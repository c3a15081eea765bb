import { problemsOf } from "./strict-object.ts";

const job = (spec: object) => ({ apiVersion: "batch/v1", kind: "Job", metadata: { name: "a" }, spec });
const container = { name: "a", image: "b" };
const withContainer = (fields: object) =>
  job({ template: { spec: { restartPolicy: "Never", containers: [{ ...container, ...fields }] } } });

test.each<[string, Parameters<typeof problemsOf>[0], string[]]>([
  ["a Job", withContainer({}), []],
  ["labels are free", { ...withContainer({}), metadata: { name: "a", labels: { "any.example/thing": "b" } } }, []],
  [
    "a misspelt field",
    job({ template: { spec: { contianers: [container], containers: [container] } } }),
    ["/spec/template/spec/contianers is no field"],
  ],
  [
    "a field in the wrong place",
    withContainer({ runAsNonRoot: true }),
    ["/spec/template/spec/containers/0/runAsNonRoot is no field"],
  ],
  ["a missing field", job({}), ['/spec breaks required {"missingProperty":"template"}']],
  [
    "a number where text has to be",
    withContainer({ env: [{ name: "A", value: 1 }] }),
    ['/spec/template/spec/containers/0/env/0/value breaks type {"type":"string"}'],
  ],
  ["nothing", withContainer({ args: null }), ["/spec/template/spec/containers/0/args is null"]],
  ["an unknown kind", { ...job({}), kind: "Jbo" }, ["no type is known for batch/v1 Jbo"]],
])("%s", (_name, object, problems) => {
  expect(problemsOf(object)).toEqual(expect.arrayContaining(problems));
  if (problems.length === 0) expect(problemsOf(object)).toEqual([]);
});
