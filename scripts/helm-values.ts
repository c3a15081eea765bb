/** Parts of the Helm chart that come from elsewhere in the repository. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { configJsonSchema } from "../src/adapters/config/config-schema.ts";
import { readmeWithValues } from "./helm-values-table.ts";

/** JSON Schema as data. */
type Schema = { [key: string]: unknown };

/** File → text, relative to `root`, the repository. */
export function chartDocuments(root: string): Record<string, string> {
  const read = (file: string) => readFileSync(join(root, "helm", file), "utf8");
  const schema = valuesSchema(JSON.parse(read("values.schema.json")));
  const policies = [...shippedPolicies(root)].map(([name, text]) => [`helm/files/policies/${name}`, text]);
  return {
    "helm/values.schema.json": `${JSON.stringify(schema, null, 2)}\n`,
    "helm/README.md": readmeWithValues(read("README.md"), read("values.yaml")),
    ...Object.fromEntries(policies),
  };
}

/** The policies that ship: what the gate loads, without their tests. By file name. */
function shippedPolicies(root: string): Map<string, string> {
  const names = readdirSync(join(root, "policies")).filter(
    (name) => /\.(yaml|ics)$/.test(name) && !name.endsWith(".test.yaml"),
  );
  return new Map(names.map((name) => [name, readFileSync(join(root, "policies", name), "utf8")]));
}

/** values.schema.json with `config` and `callers` as plangate.yaml's own schema has them, without what the chart sets itself. */
function valuesSchema(present: Schema): Schema {
  const file = structuredClone(configJsonSchema()) as Schema;
  const top = propertiesOf(file);
  const callers = withSecretReferences(child(top, "callers"));
  for (const key of ["listen", "database", "callers", "keys"]) delete top[key];
  delete propertiesOf(child(top, "gate")).dataDir;
  delete propertiesOf(child(top, "policies")).directory;
  const admission = child(top, "admission");
  delete propertiesOf(admission).spoolDirectory;
  limitEnvironments(child(propertiesOf(admission), "environments"));
  admission.required = ["environments"];
  const { $schema: _, title: __, ...config } = withoutDefaults(file) as Schema;
  config.required = ["admission"];
  return {
    ...present,
    properties: { ...propertiesOf(present), config, callers: withoutDefaults(callers) },
  };
}

/** In the values a caller's secrets are entries of Secrets, and not variables. */
function withSecretReferences(callers: Schema): Schema {
  const items = child(callers, "items");
  const secrets = { type: "array", minItems: 1, items: { $ref: "#/$defs/secretKey" } };
  return {
    ...callers,
    items: {
      ...items,
      properties: { ...propertiesOf(items), secrets },
      not: { required: ["secrets", "oidc"] },
    },
  };
}

/** An environment is part of a label and of the webhooks' names. */
function limitEnvironments(environments: Schema): void {
  const properties = propertiesOf(child(environments, "items"));
  const { description } = child(properties, "name");
  properties.name = { description, $ref: "#/$defs/label" };
}

/** Defaults are the gate's, and values that repeat them would be in its plangate.yaml for no reason. */
function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) =>
      key === "default" && !isSchemaOf(inner) ? [] : [[key, withoutDefaults(inner)]],
    ),
  );
}

/** A property may be called "default". */
function isSchemaOf(value: unknown): boolean {
  return typeof value === "object" && value !== null && "type" in value;
}

function propertiesOf(schema: Schema): Schema {
  return child(schema, "properties");
}

function child(schema: Schema, key: string): Schema {
  const found = schema[key];
  if (typeof found !== "object" || found === null) throw new Error(`The schema has no ${key}`);
  return found as Schema; // an object of a JSON document
}
