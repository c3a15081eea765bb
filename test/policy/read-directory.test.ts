import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPolicyDirectory } from "../../src/adapters/policies/read-directory.ts";

let root: string;
let policies: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "plangate-policies-"));
  policies = join(root, "policies");
  mkdirSync(policies);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, content = ""): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), content);
}

const names = async () => (await readPolicyDirectory(policies, "policies")).map(({ path }) => path);
const failure = async () => {
  const error: unknown = await readPolicyDirectory(policies, "policies").then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: "PolicyError", code: "invalid-policy" });
  return String(error).replace("PolicyError: The policies are not valid:", "").trim();
};

test("policies, their tests and calendars, in sub-directories too; other files are not read", async () => {
  for (const file of ["a.yaml", "b.yml", "a.test.yaml", "x.ics", "README.md", "team/c.yaml", ".hidden.yaml"]) {
    write(`policies/${file}`);
  }
  write("policies/.git/config.yaml");
  expect(await names()).toEqual(["a.test.yaml", "a.yaml", "b.yml", "team/c.yaml", "x.ics"]);
});

test("a ConfigMap as Kubernetes mounts it", async () => {
  write("policies/..2026_03_13/schema-changes.yaml", "version: 1");
  symlinkSync("..2026_03_13", join(policies, "..data"));
  symlinkSync("..data/schema-changes.yaml", join(policies, "schema-changes.yaml"));
  const files = await readPolicyDirectory(policies);
  expect(files.map(({ path, content }) => [path, Buffer.from(content).toString()])).toEqual([
    ["schema-changes.yaml", "version: 1"],
  ]);
});

test("links that lead in circles end", async () => {
  write("policies/team/a.yaml");
  symlinkSync("..", join(policies, "team/up"));
  symlinkSync("team", join(policies, "same"));
  expect(await names()).toHaveLength(1);
});

test("links that lead out are errors", async () => {
  write("elsewhere/a.yaml");
  symlinkSync("../elsewhere/a.yaml", join(policies, "a.yaml"));
  symlinkSync("../elsewhere", join(policies, "folder"));
  expect(await failure()).toBe(
    "policies/a.yaml:1:1: this link leads out of the policy directory\n" +
      "  policies/folder:1:1: this link leads out of the policy directory",
  );
});

test("a link to nothing and a file of another kind are errors where a policy is expected", async () => {
  symlinkSync("gone.yaml", join(policies, "a.yaml"));
  symlinkSync("gone.txt", join(policies, "notes.txt"));
  expect(await failure()).toBe("policies/a.yaml:1:1: there is no such file or directory");
});

test("no directory", async () => {
  rmSync(policies, { recursive: true });
  expect(await failure()).toBe("policies:1:1: there is no such file or directory");
  write("policies");
  expect(await failure()).toBe("policies:1:1: this is not a directory");
});

test("of a file that is too large only as much as shows that", async () => {
  write("policies/a.yaml", "#".repeat(3 * 1024 * 1024));
  const [file] = await readPolicyDirectory(policies);
  expect(file?.content).toHaveLength(1024 * 1024 + 1);
});
