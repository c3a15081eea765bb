import { cli } from "./run.ts";

const commands = ["check", "windows", "evidence", "policy", "serve"];

test("no command: help on stderr, and a failure", async () => {
  const { code, stdout, stderr } = await cli([]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  for (const command of commands) expect(stderr).toMatch(new RegExp(`^  ${command} `, "m"));
});

test("--help lists every command", async () => {
  const { code, stdout } = await cli(["--help"]);
  expect(code).toBe(0);
  for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
});

test("--version", async () => {
  expect(await cli(["--version"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

test.each([["check"], ["windows"], ["evidence"], ["evidence", "import"], ["policy"], ["serve"]])(
  "%s %s --help shows an example",
  async (...command) => {
    const { code, stdout, stderr } = await cli([...command, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`Example:\\n[\\s\\S]*plangate ${command[0]}`));
  },
);

test.each([
  [["chekc"], /unknown command 'chekc'\n\(Did you mean check\?\)/],
  [["evidence", "improt"], /unknown command 'improt'\n\(Did you mean import\?\)/],
  [["evidence"], /Usage:/],
  [["--verison"], /unknown option '--verison'/],
  [["windows"], /required option '--environment <NAME>' not specified/],
  [["evidence", "import"], /required option .*\n\(plangate evidence import --help shows what is allowed\)/],
  [["nonsense"], /\n\(plangate --help shows what is allowed\)/],
  [["windows", "surplus", "--environment", "e", "--service", "s"], /too many arguments/],
])("%j is refused with exit code 1", async (args, message) => {
  const { code, stdout, stderr } = await cli(args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(message);
});

test("stack traces on demand only", async () => {
  const args = ["windows", "--environment", "e", "--service", "s", "--policies", "nowhere"];
  expect((await cli(args)).stderr).not.toMatch(/\n\s+at /);
  expect((await cli([...args, "--debug"])).stderr).toMatch(/\n\s+at /);
  expect((await cli(args, { env: { PLANGATE_DEBUG: "1" } })).stderr).toMatch(/\n\s+at /);
});
