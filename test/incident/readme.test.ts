import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The README shows the incident's real output, shortened at lines that hold only "…". */
test("every line of the README's example is in the real output, in its order", () => {
  const readme = readFileSync(join(__dirname, "../../README.md"), "utf8");
  const shown = /```text\n(?<output>REJECTED[\s\S]*?)\n```/.exec(readme)?.groups?.output ?? "";
  const real = readFileSync(join(__dirname, "incident.txt"), "utf8");
  expect(shown).not.toBe("");
  let from = 0;
  for (const part of shown.split("\n…\n")) {
    const at = real.indexOf(part, from);
    expect({ part, found: at >= 0 }).toEqual({ part, found: true });
    from = at + part.length;
  }
});
