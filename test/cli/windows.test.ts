import { join } from "node:path";
import { cli } from "./run.ts";

const cwd = join(__dirname, "project");
const parcels = ["windows", "--service", "parcels", "--environment", "production"];

test("closed: why, when it opens, and the next intervals", async () => {
  const { code, stdout } = await cli(
    [...parcels, "--at", "2026-03-13T21:47:00+01:00", "--count", "2", "--duration", "1h"],
    { cwd },
  );
  expect(code).toBe(0);
  expect(stdout).toBe(`CLOSED  parcels to production, schema changes
at Fri 2026-03-13 21:47 Europe/Berlin (2026-03-13 20:47 UTC)

  since      Fri 2026-03-13 16:00 Europe/Berlin (2026-03-13 15:00 UTC)
  opens      Mon 2026-03-16 08:00 Europe/Berlin (2026-03-16 07:00 UTC)
  1h fit     from Mon 2026-03-16 08:00 Europe/Berlin (2026-03-16 07:00 UTC) on
  policies   review, weekdays

Held up by:
  weekdays: Mon–Fri 08:00–16:00 Europe/Berlin

Open intervals:
  from Mon 2026-03-16 08:00 Europe/Berlin (2026-03-16 07:00 UTC)
  to   Mon 2026-03-16 16:00 Europe/Berlin (2026-03-16 15:00 UTC), for 8 hours
       then closed by weekdays: Mon–Fri 08:00–16:00 Europe/Berlin
  from Tue 2026-03-17 08:00 Europe/Berlin (2026-03-17 07:00 UTC)
  to   Tue 2026-03-17 16:00 Europe/Berlin (2026-03-17 15:00 UTC), for 8 hours
       then closed by weekdays: Mon–Fri 08:00–16:00 Europe/Berlin
`);
});

test("open: until when, and until when a start still fits", async () => {
  const { stdout } = await cli([...parcels, "--duration", "1h"], { cwd, now: "2026-03-10T09:30:00Z" });
  expect(stdout).toMatch(/^OPEN {2}parcels to production/);
  expect(stdout).toMatch(/^ {2}closes {5}Tue 2026-03-10 16:00 Europe\/Berlin/m);
  expect(stdout).toMatch(/^ {2}1h fit {5}now, until Tue 2026-03-10 15:00 Europe\/Berlin .* at the latest$/m);
});

test("the freeze is named", async () => {
  const { stdout } = await cli([...parcels, "--at", "2026-12-28T10:00:00Z"], { cwd });
  expect(stdout).toMatch(/Year-end freeze/);
  expect(stdout).toMatch(/opens {6}Mon 2027-01-04 08:00 Europe\/Berlin/);
});

test("JSON for machines", async () => {
  const { stdout } = await cli([...parcels, "--at", "2026-03-13T20:47:00Z", "--count", "1", "--format", "json"], {
    cwd,
  });
  expect(JSON.parse(stdout)).toMatchObject({
    policies: ["review", "weekdays"],
    window: { open: false, nextFit: "2026-03-16T07:00:00.000Z", timeZone: "Europe/Berlin" },
    intervals: [
      { start: "2026-03-16T07:00:00.000Z", end: "2026-03-16T15:00:00.000Z", because: [{ policy: "weekdays" }] },
    ],
  });
});

test("where no policy applies nothing is open", async () => {
  const { code, stdout, stderr } = await cli(["windows", "--service", "parcels", "--environment", "staging"], { cwd });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/No policy applies to schema changes of parcels in staging; such a deploy is rejected/);
});
