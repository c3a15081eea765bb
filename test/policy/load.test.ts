import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { calendarState } from "../../src/core/calendar/calendar-state.ts";
import type { SourceFile } from "../../src/core/policy/document-error.ts";
import { PolicyError } from "../../src/core/policy/document-error.ts";
import { loadPolicySet } from "../../src/core/policy/load.ts";
import type { Policy, PolicySet } from "../../src/core/policy/policy.ts";
import { rules as everyRule } from "../../src/core/rules/index.ts";
import { expectGolden } from "../support/golden.ts";

/** Not the whole registry, so that a new rule does not change what is expected here. */
const rules = new Map(
  "change-window freeze human-review index-redundancy index-role index-usage opaque-sql".split(" ").flatMap((id) => {
    const rule = everyRule.get(id);
    return rule === undefined ? [] : [[id, rule] as const];
  }),
);

const invalid = join(__dirname, "invalid");

function filesOf(folder: string): SourceFile[] {
  return readdirSync(folder)
    .filter((name) => name !== "errors.txt")
    .map((name) => ({ path: name, content: readFileSync(join(folder, name)) }));
}

function errorOf(load: () => unknown): PolicyError {
  try {
    load();
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
  throw new Error("it loaded");
}

/** The only policy of a file with these lines below `version` and `policy`. */
function load(yaml: string, others: SourceFile[] = []): Policy {
  const { policies } = loadPolicySet([{ path: "p.yaml", content: `version: 1\npolicy: p\n${yaml}` }, ...others]);
  expect(policies.map(({ id }) => id)).toEqual(["p"]);
  return policies[0] as Policy;
}

describe("what is wrong with a directory is said all at once, with file, line and column", () => {
  test.each(readdirSync(invalid).sort())("%s", (name) => {
    const folder = join(invalid, name);
    const error = errorOf(() => loadPolicySet(filesOf(folder), { directory: "policies", rules }));
    expect(error.code).toBe("invalid-policy");
    expectGolden(join(folder, "errors.txt"), `${error.message}\n`);
  });

  test("every issue points at the key or value in the file", () => {
    const folder = join(invalid, "everything-at-once");
    const { issues } = errorOf(() => loadPolicySet(filesOf(folder)));
    const lines = readFileSync(join(folder, "schema-changes.yaml"), "utf8").split("\n");
    const textAt = (key: string) => {
      const issue = issues.find((one) => one.key === key);
      return issue && lines[issue.line - 1]?.slice(issue.column - 1);
    };
    expect(textAt("descripton")).toBe("descripton: A misspelt key");
    expect(textAt("changeWindow.timeZone")).toBe("America/NewYork");
    expect(textAt("changeWindow.allow[0].from")).toBe('9, to: "24:01" }');
    expect(textAt("rules.index-usage.maxScan")).toMatch(/^maxScan: 0/);
  });
});

describe("hostile files get an answer, and soon", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
  for (const [from, to] of ["ab", "bc", "cd", "de", "ef", "fg", "gh"].map((pair) => [...pair])) {
    bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(",")}]`);
  }
  const cases: [string, string | Uint8Array, RegExp][] = [
    ["an alias bomb", bomb.join("\n"), /p.yaml:2:8: aliases/],
    ["200,000 open brackets", `a: ${"[".repeat(200_000)}`, /nested more than 200 levels deep/],
    ["deep indentation", Array.from({ length: 900 }, (_, level) => `${" ".repeat(level)}a:`).join("\n"), /200 levels/],
    ["dashes in a row", `${"- ".repeat(5_000)}x`, /200 levels/],
    ["more than 1 MiB", `# ${"x".repeat(1024 * 1024)}`, /p.yaml:1:1: the file is larger than 1 MiB/],
    ["30,000 unknown keys", Array.from({ length: 30_000 }, (_, key) => `k${key}: 1`).join("\n"), /unknown key/],
    ["10,000 equal keys", "version: 1\n".repeat(10_000), /stands here twice/],
    ["bytes that are not UTF-8", Uint8Array.of(0x61, 0x3a, 0x20, 0xff), /p.yaml:1:1: the file is not UTF-8 text/],
    ["UTF-16", Buffer.from("\uFEFFversion: 1", "utf16le"), /not UTF-8/],
    ["a NUL byte", "version: 1\npolicy: a\0b", /p.yaml:2:9: policy: an id is kebab-case/],
    ["an infinite number", "version: .inf", /p.yaml:1:10: version: expected a finite number/],
  ];
  test.each(cases)("%s", (_, content, message) => {
    const error = errorOf(() => loadPolicySet([{ path: "p.yaml", content }]));
    expect(error.message).toMatch(message);
    expect(error.message.length).toBeLessThan(20_000);
  });
});

describe("what a policy becomes", () => {
  test("the least that a policy can say", () => {
    expect(load("")).toMatchObject({
      description: null,
      appliesTo: { environments: null, services: null, changes: ["any"] },
      enforcement: "deny",
      minTrust: "asserted",
      changeWindow: null,
      location: { path: "p.yaml", line: 2, column: 1 },
    });
  });

  test("CR LF line ends and a byte order mark change nothing", () => {
    const content = "\uFEFFversion: 1\r\npolicy: p\r\nrules:\r\n  human-review: {}\r\n";
    const { policies } = loadPolicySet([{ path: "p.yaml", content: Buffer.from(content) }]);
    expect(policies[0]?.rules.map(({ rule }) => rule.id)).toEqual(["human-review", "opaque-sql"]);
    expect(policies[0]?.rules[0]?.location).toEqual({ path: "p.yaml", line: 4, column: 3 });
  });

  const windows: [string, object][] = [
    ['{ days: Fri-Mon, from: "22:00", to: "06:00" }', { days: ["Mon", "Fri", "Sat", "Sun"], from: 1320, to: 360 }],
    ['{ days: [Thu, Tue-Wed], from: "00:00", to: "24:00" }', { days: ["Tue", "Wed", "Thu"], from: 0, to: 1440 }],
    [
      '{ from: "09:00", to: "17:30" }',
      { days: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], from: 540, to: 1050 },
    ],
    [
      "{ from: 2026-12-24, to: 2027-01-01, reason: Year's end }",
      {
        kind: "one-off",
        from: "2026-12-24T00:00:00",
        to: "2027-01-02T00:00:00",
        reason: "Year's end",
        label: "2026-12-24 to 2027-01-01",
      },
    ],
    [
      "{ from: 2028-02-29, to: 2028-02-29 }",
      { from: "2028-02-29T00:00:00", to: "2028-03-01T00:00:00", label: "2028-02-29" },
    ],
    [
      "{ from: 2026-01-10T09:00, to: 2026-01-10T17:30 }",
      { from: "2026-01-10T09:00:00", to: "2026-01-10T17:30:00", label: "2026-01-10 09:00 to 2026-01-10 17:30" },
    ],
    ["{ from: 2026-01-10T09:00, to: 2026-01-10 }", { from: "2026-01-10T09:00:00", to: "2026-01-11T00:00:00" }],
  ];
  test.each(windows)("the window %s", (yaml, expected) => {
    const { changeWindow } = load(`changeWindow:\n  timeZone: Europe/Berlin\n  allow: [${yaml}]\n`);
    expect(changeWindow).toMatchObject({ timeZone: "Europe/Berlin", freeze: [], expectedDurationMs: 0 });
    expect(changeWindow?.allow).toEqual([expect.objectContaining(expected)]);
  });

  test("a freeze for ever, as people write it", () => {
    const { changeWindow } = load(
      "changeWindow: { timeZone: Asia/Tokyo, freeze: [{ from: 2026-01-01, to: 9999-12-31, reason: Retired }] }",
    );
    const calendar = [{ policy: "p", changeWindow: changeWindow as NonNullable<Policy["changeWindow"]> }];
    const state = calendarState(calendar, new Date("2026-06-01T00:00:00Z"), 0);
    expect(state).toMatchObject({
      open: false,
      nextOpen: null,
      because: [{ text: "Retired, 2026-01-01 to 9999-12-31" }],
    });
  });

  test("no `allow` is open, and a calendar is found relative to the policy", () => {
    const holidays = readFileSync(join(invalid, "calendars/holidays.ics"));
    const { policies } = loadPolicySet([
      {
        path: "team/p.yaml",
        content: `version: 1
policy: p
changeWindow:
  timeZone: UTC
  freeze: [{ calendar: ../company/holidays.ics, reason: Holidays }]
  expectedDuration: 90s`,
      },
      { path: "company/holidays.ics", content: holidays },
    ]);
    expect(policies[0]?.changeWindow).toMatchObject({ allow: null, expectedDurationMs: 90_000 });
    expect(policies[0]?.changeWindow?.freeze).toMatchObject([
      { kind: "calendar", path: "../company/holidays.ics", reason: "Holidays", calendar: { events: [{}] } },
    ]);
  });
});

describe("which rules a policy has", () => {
  const rulesOf = (yaml: string) => load(yaml).rules.map(({ rule, enforcement }) => `${rule.id} ${enforcement}`);
  const window = "changeWindow: { timeZone: UTC }\n";

  const cases: [string, string, string[]][] = [
    ["nothing listed", "", ["opaque-sql deny"]],
    ["a change window", window, ["change-window deny", "freeze deny", "opaque-sql deny"]],
    [
      "the policy's enforcement",
      `enforcement: warn\n${window}`,
      ["change-window warn", "freeze warn", "opaque-sql warn"],
    ],
    [
      "a rule's own enforcement",
      `${window}rules:\n  index-role: { enforcement: dryrun }\n  freeze: { enforcement: warn }\n`,
      ["change-window deny", "index-role dryrun", "freeze warn", "opaque-sql deny"],
    ],
    ["a rule without a value", "rules:\n  index-role:\n", ["index-role deny", "opaque-sql deny"]],
    [
      "a listed opaque-sql",
      "rules:\n  opaque-sql: { allowFunctions: [audit.log] }\n  index-role: {}\n",
      ["opaque-sql deny", "index-role deny"],
    ],
  ];
  test.each(cases)("%s", (_, yaml, expected) => {
    expect(rulesOf(yaml)).toEqual(expected);
  });
});

describe("which files are policies", () => {
  const minimal = (id: string) => `version: 1\npolicy: ${id}\n`;
  const broken = "[";
  const idsOf = ({ policies }: PolicySet) => policies.map(({ id }) => id);

  test("names decide: *.yaml and *.yml, but no tests and nothing that begins with a dot", () => {
    const set = loadPolicySet([
      { path: "b.yml", content: minimal("b") },
      { path: "a.yaml", content: minimal("a") },
      { path: "team/c.YAML", content: minimal("c") },
      { path: "a.test.yaml", content: broken },
      { path: "b.test.yml", content: broken },
      { path: ".hidden.yaml", content: broken },
      { path: "..data/a.yaml", content: broken },
      { path: "policy.schema.json", content: broken },
      { path: "README.md", content: broken },
    ]);
    expect(idsOf(set)).toEqual(["a", "b", "c"]);
  });

  test("the digest covers names and bytes of policies and calendars, in any order, and nothing else", () => {
    const policy = { path: "a.yaml", content: minimal("a") };
    const calendar = { path: "x.ics", content: "BEGIN:VCALENDAR\nEND:VCALENDAR\n" };
    const digest = (...files: SourceFile[]) => loadPolicySet(files).digest;
    const whole = digest(policy, calendar);
    expect(whole).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(digest(calendar, { ...policy, content: Buffer.from(policy.content) })).toBe(whole);
    expect(digest(policy, calendar, { path: "a.test.yaml", content: "" })).toBe(whole);
    expect(loadPolicySet([policy, calendar], { directory: "/srv/policies" }).digest).toBe(whole);
    expect(digest(policy)).not.toBe(whole);
    expect(digest({ ...policy, path: "b.yaml" }, calendar)).not.toBe(whole);
    expect(digest({ ...policy, content: `${policy.content}#` }, calendar)).not.toBe(whole);
  });
});

describe("what loads but deserves a look", () => {
  test("a policy that demands nothing", () => {
    const { warnings } = loadPolicySet([{ path: "p.yaml", content: "version: 1\npolicy: p\n" }]);
    expect(warnings).toEqual([
      {
        message:
          "the policy p has no change window and no rules: it approves every request that it matches, except SQL that cannot be analysed",
        location: { path: "p.yaml", line: 2, column: 1 },
      },
    ]);
  });

  test("a calendar that runs out within 90 days of the day that is asked about", () => {
    const files = [
      {
        path: "p.yaml",
        content: "version: 1\npolicy: p\nchangeWindow:\n  timeZone: UTC\n  freeze:\n    - { calendar: holidays.ics }\n",
      },
      { path: "holidays.ics", content: readFileSync(join(invalid, "calendars/holidays.ics")) },
    ];
    const warningsAt = (at: string) => loadPolicySet(files, { at: new Date(at) }).warnings;
    expect(warningsAt("2026-06-01T00:00:00Z")).toEqual([]);
    expect(warningsAt("2026-12-01T00:00:00Z")).toMatchObject([
      { message: expect.stringContaining("holidays.ics runs out"), location: { path: "p.yaml", line: 6 } },
    ]);
  });
});
